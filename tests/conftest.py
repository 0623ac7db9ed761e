pytest_plugins = ["tests.functional.postgres"]
