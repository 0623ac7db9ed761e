"""OpenLineage events: the run is a job, and each of its syncs is one whose parent is the run.

They have counts, codes, and the names of models, columns and attributes. They have nothing of a row, and no words of
Drift or of the warehouse, because these can quote one.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import attr
from msgspec import structs
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    RunFacet,
    error_message_run,
    input_statistics_input_dataset,
    job_type_job,
    output_statistics_output_dataset,
    parent_run,
    processing_engine_run,
)
from openlineage.client.uuid import generate_new_uuid

from dbt_drift import __version__
from dbt_drift.delivery.results import ContactCounts, RowCounts
from dbt_drift.telemetry.datasets import PRODUCER, Datasets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dbt_drift.declarations.sync import Sync
    from dbt_drift.delivery.results import SyncResult, SyncStatus
    from dbt_drift.project.gateway import DbtProject

ENDS: dict[SyncStatus, RunState] = {
    "success": RunState.COMPLETE,
    "warn": RunState.COMPLETE,
    "error": RunState.FAIL,
    "blocked": RunState.ABORT,
    "skipped": RunState.ABORT,
}
"""The state of OpenLineage that a status is."""


@attr.define
class ResultsRunFacet(RunFacet):
    """The counts of a sync, or of all syncs of a run, with the names that they have in drift_results.json."""

    status: str
    cause: str
    execution_time: float
    rows: dict[str, int]
    contacts: dict[str, int]
    requests: int
    throttled: int
    reasons: dict[str, int]


class Events:
    """Makes the events of one run.

    Args:
        project: The dbt project.
        invocation_id: The id of the run; it is OpenLineage's too, if it is a UUID.
        environment: Has `OPENLINEAGE_NAMESPACE`, the namespace of the jobs, and `OPENLINEAGE_PARENT_ID`, what
            started the run, as `namespace/job/run id`.
        drift_url: The URL of Drift.
    """

    def __init__(
        self, project: DbtProject, *, invocation_id: str, environment: Mapping[str, str], drift_url: str
    ) -> None:
        self._namespace = environment.get("OPENLINEAGE_NAMESPACE", "").strip() or "dbt-drift"
        self._parent = _read_parent(environment.get("OPENLINEAGE_PARENT_ID", ""))
        self._name = f"dbt-drift-sync.{project.target_name}.{project.name}"
        self._run_id = _uuid(invocation_id)
        self._datasets = Datasets(project.datasource, drift_url)

    def run(
        self, state: RunState, time: str, results: Sequence[SyncResult] = (), status: str = "", cause: str = ""
    ) -> RunEvent:
        """Return an event of the run.

        Args:
            state: The state of the run.
            time: When it had it: UTC, ISO 8601.
            results: What came of its syncs, at its end.
            status: The status that the run ends with; "" at its start.
            cause: Why it is no success, as a code.
        """
        facets = _ended(results, status, cause) if status else {}
        return self._event(state, time, self._run_id, facets, self._parent)

    def sync(
        self, state: RunState, time: str, run_id: str, sync: Sync, *, result: SyncResult | None = None, cause: str = ""
    ) -> RunEvent:
        """Return an event of a sync; each names the datasets, because a catalogue may keep the last one alone.

        Args:
            state: The state of the sync.
            time: When it had it: UTC, ISO 8601.
            run_id: The id of the sync in OpenLineage.
            sync: The sync.
            result: What came of it; None at its start, and if the run broke off in it.
            cause: Why the run broke off in it, as a code.
        """
        model, contacts = self._datasets.of(sync)
        facets = _error(cause) if cause else {}
        if result is not None:
            facets = _ended([result], result.status, result.cause)
            model.inputFacets = {
                "inputStatistics": input_statistics_input_dataset.InputStatisticsInputDatasetFacet(
                    rowCount=result.rows.read, producer=PRODUCER
                )
            }
            contacts.outputFacets = {
                "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
                    rowCount=result.rows.sent, producer=PRODUCER
                )
            }
        parent = (self._namespace, self._name, self._run_id)
        return self._event(state, time, run_id, facets, parent, sync=sync, inputs=[model], outputs=[contacts])

    def _event(
        self,
        state: RunState,
        time: str,
        run_id: str,
        facets: dict[str, RunFacet],
        parent: tuple[str, str, str] | None,
        *,
        sync: Sync | None = None,
        inputs: list[InputDataset] | None = None,
        outputs: list[OutputDataset] | None = None,
    ) -> RunEvent:
        engine = processing_engine_run.ProcessingEngineRunFacet(__version__, name="dbt-drift", producer=PRODUCER)
        found: dict[str, Any] = {"processing_engine": engine, **facets}
        if parent is not None:
            namespace, job, parent_id = parent
            found["parent"] = parent_run.ParentRunFacet(
                run=parent_run.Run(runId=parent_id),
                job=parent_run.Job(namespace=namespace, name=job),
                producer=PRODUCER,
            )
        job_type = job_type_job.JobTypeJobFacet(
            processingType="BATCH", integration="DBT-DRIFT", jobType="SYNC" if sync else "RUN", producer=PRODUCER
        )
        name = f"{self._name}.{sync.unique_id.partition('.')[2]}" if sync else self._name
        return RunEvent(
            eventType=state,
            eventTime=time,
            run=Run(runId=run_id, facets=found),
            job=Job(namespace=self._namespace, name=name, facets={"jobType": job_type}),
            inputs=inputs or [],
            outputs=outputs or [],
            producer=PRODUCER,
        )


def _ended(results: Sequence[SyncResult], status: str, cause: str) -> dict[str, RunFacet]:
    """Return the counts of some results as a facet, and why they are no success as another."""
    reasons = {reason for result in results for reason in result.reasons}
    facet = ResultsRunFacet(
        status=status,
        cause=cause,
        execution_time=round(sum(result.execution_time for result in results), 3),
        rows={name: sum(getattr(one.rows, name) for one in results) for name in structs.asdict(RowCounts())},
        contacts={
            name: sum(getattr(one.contacts, name) for one in results) for name in structs.asdict(ContactCounts())
        },
        requests=sum(result.requests for result in results),
        throttled=sum(result.throttled for result in results),
        reasons={reason: sum(result.reasons.get(reason, 0) for result in results) for reason in sorted(reasons)},
        producer=PRODUCER,
    )
    return {"dbtDrift_results": facet, **({} if status in {"success", "warn"} else _error(cause or status))}


def _error(cause: str) -> dict[str, RunFacet]:
    facet = error_message_run.ErrorMessageRunFacet(cause, programmingLanguage="python", producer=PRODUCER)
    return {"errorMessage": facet}


def _uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:  # OpenLineage takes no other id
        return str(generate_new_uuid())


def _read_parent(text: str) -> tuple[str, str, str] | None:
    """Return the namespace, the job and the run id of what started the run; None if the text does not name them."""
    namespace, _, rest = text.strip().partition("/")
    job, _, run_id = rest.rpartition("/")
    try:
        return (namespace, job, str(uuid.UUID(run_id))) if namespace and job else None
    except ValueError:
        return None
