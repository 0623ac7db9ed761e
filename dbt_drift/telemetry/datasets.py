"""The datasets of a sync: the model that it reads, the contacts that it writes, and which column fills what.

A model is named as OpenLineage's Naming.md and its integration for dbt name it, so that a catalogue shows Drift below
the model that dbt built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.facet_v2 import column_lineage_dataset, schema_dataset

from dbt_drift import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dbt_drift.declarations.sync import Sync

PRODUCER = f"urn:dbt-drift:{__version__}"
"""Who makes the events and their facets, as a URI."""

_CONTACTS = "contacts"


class Datasets:
    """Makes the datasets of syncs.

    Args:
        datasource: The URI of the warehouse.
        drift_url: The URL of Drift.
    """

    def __init__(self, datasource: str, drift_url: str) -> None:
        self._source = datasource
        self._drift = f"drift://{urlsplit(drift_url).netloc}"

    def of(self, sync: Sync) -> tuple[InputDataset, OutputDataset]:
        """Return the model, and the contacts."""
        name = ".".join(filter(None, (sync.database, sync.schema, sync.identifier)))
        filled: dict[str, set[str]] = {}
        for target, column in _filled(sync):
            filled.setdefault(target, set()).add(column)
        columns = sorted({column for found in filled.values() for column in found})
        model = InputDataset(self._source, name, facets={"schema": self._schema(columns)})
        lineage = column_lineage_dataset.ColumnLineageDatasetFacet(
            fields={
                target: column_lineage_dataset.Fields(
                    [column_lineage_dataset.InputField(self._source, name, column) for column in sorted(found)]
                )
                for target, found in filled.items()
            },
            producer=PRODUCER,
        )
        facets = {"schema": self._schema(list(filled)), "columnLineage": lineage}
        return model, OutputDataset(self._drift, _CONTACTS, facets=facets)

    def _schema(self, names: list[str]) -> schema_dataset.SchemaDatasetFacet:
        return schema_dataset.SchemaDatasetFacet(
            fields=[schema_dataset.SchemaDatasetFacetFields(name) for name in names], producer=PRODUCER
        )


def _filled(sync: Sync) -> Iterator[tuple[str, str]]:
    """Yield each attribute that a sync fills with a column of the model; `tags` are one of them."""
    for mapped in sync.attributes:
        yield mapped.attribute, mapped.column
    for audience in sync.audiences:
        for column in (audience.when, audience.tag_from):
            if column is not None:
                yield audience.attribute or "tags", column
