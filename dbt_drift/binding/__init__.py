"""From a dbt project to syncs that can run: settings, selection, dbt's last build, columns, attribute types."""
