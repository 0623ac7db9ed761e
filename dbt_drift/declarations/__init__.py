"""The models' declarations: ``meta.drift`` in ``manifest.json``, read and validated into syncs.

This package imports no dbt and opens no connection, so invalid declarations are refused before anything else happens.
"""
