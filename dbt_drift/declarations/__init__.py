"""What the models declare: ``meta.drift`` in ``manifest.json``, read and validated into syncs.

This room imports no dbt and opens no connection: whatever it refuses is refused before anything else happens.
"""
