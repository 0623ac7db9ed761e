"""Downloads what a run of dbt Cloud has built, by dbt Cloud's Administrative API, version 2.

Sources: https://docs.getdbt.com/docs/dbt-apis/admin-api and https://docs.getdbt.com/dbt-cloud/api-v2. The status codes
are those of Apache Airflow's dbt Cloud hook: 1 queued, 2 starting, 3 running, 10 success, 20 error, 30 cancelled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import msgspec
import requests
from msgspec import Struct
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from dbt_drift.drift.http.url import is_loopback
from dbt_drift.errors import ConfigurationError, DbtCloudAwayError

if TYPE_CHECKING:
    from pathlib import Path

Document = TypeVar("Document")

FILES = ("manifest.json", "run_results.json")
_SUCCESS = 10
_ENDED = {20: "failed", 30: "was cancelled"}
_SECONDS = (10, 60)
"""To connect, and between two parts of an answer."""

_TRIES = Retry(
    total=5,
    backoff_factor=0.5,
    status_forcelist=[429, 500, 502, 503, 504],
    allowed_methods=["GET"],
    raise_on_status=False,
)


class CloudRun(Struct, frozen=True):
    """A run of a dbt Cloud job."""

    id: int
    status: int


class _One(Struct, frozen=True):
    data: CloudRun


class _Several(Struct, frozen=True):
    data: list[CloudRun]


class _Artifact(Struct, frozen=True):
    metadata: dict[str, Any]


class DbtCloud:
    """An account of dbt Cloud.

    Args:
        host: The access URL of the account, or its host: `cloud.getdbt.com`, `ab123.us1.dbt.com`.
        account: The id of the account.
        token: A service token or a personal one that may read runs.

    Raises:
        ConfigurationError: The host is no https URL.
    """

    def __init__(self, host: str, account: int, token: str) -> None:
        url = host.strip().rstrip("/")
        url = url if "://" in url else f"https://{url}"
        parts = urlsplit(url)
        if not parts.hostname or parts.username or (parts.scheme != "https" and not is_loopback(url)):
            raise ConfigurationError(
                "The host of dbt Cloud is no host and no https URL.",
                advice="Give the access URL of your account, such as cloud.getdbt.com, with --host or DBT_CLOUD_HOST.",
            )
        self._host = parts.netloc
        self._account = account
        self._api = f"{url}/api/v2/accounts/{account}"
        self._token = token
        self._session = requests.Session()
        self._session.trust_env = not is_loopback(url)
        self._session.auth = self._sign  # a header alone would lose against ~/.netrc
        self._session.mount(url, HTTPAdapter(max_retries=_TRIES))

    def run(self, run_id: int) -> CloudRun:
        """Return a run.

        Raises:
            ConfigurationError: There is no such run, or the token may not read it.
            DbtCloudAwayError: dbt Cloud does not answer.
        """
        return self._read(f"runs/{run_id}/", {}, f"run {run_id}", _One).data

    def last_run(self, job_id: int) -> CloudRun:
        """Return the run of a job that was started last.

        Raises:
            ConfigurationError: The job has no run, or the token may not read it.
            DbtCloudAwayError: dbt Cloud does not answer.
        """
        query = {"job_definition_id": job_id, "order_by": "-id", "limit": 1}
        runs = self._read("runs/", query, f"job {job_id}", _Several).data
        if not runs:
            raise self._unknown(f"run of the job {job_id}")
        return runs[0]

    def download(self, run: CloudRun, folder: Path, *, step: int | None = None) -> None:
        """Write manifest.json and run_results.json of a run to a folder, both or none.

        Args:
            run: A run.
            folder: The folder; it is made if it is not there.
            step: The step of the run, counted from 1; None: the last one.

        Raises:
            ConfigurationError: The run has not succeeded, has no such artifact, or the folder cannot be written.
            DbtCloudAwayError: The run has not ended, or dbt Cloud does not answer.
        """
        if run.status != _SUCCESS:
            raise self._unfit(run)
        query = {} if step is None else {"step": step}
        contents = {}
        for name in FILES:
            what = f"{name} of the run {run.id}" + ("" if step is None else f", step {step}")
            contents[name] = self._get(f"runs/{run.id}/artifacts/{name}", query, what)
            self._decode(contents[name], what, _Artifact)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            drafts = {name: folder / f"{name}.tmp" for name in FILES}
            for name, draft in drafts.items():
                draft.write_bytes(contents[name])
            for name, draft in drafts.items():
                draft.replace(folder / name)
        except OSError as error:
            raise ConfigurationError(
                f"{folder} cannot be written ({error.strerror}).", advice="Name another folder with --target-path."
            ) from error

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Token {self._token}"
        return request

    def _unfit(self, run: CloudRun) -> ConfigurationError | DbtCloudAwayError:
        if run.status in _ENDED:
            return ConfigurationError(
                f"The run {run.id} of dbt Cloud {_ENDED[run.status]}. Nothing is written.",
                advice="Mend the job and run it again, or name a run that succeeded with --run.",
            )
        return DbtCloudAwayError(
            f"The run {run.id} of dbt Cloud has not ended (status {run.status}). Nothing is written.",
            advice="Run this again when it has.",
        )

    def _read(self, path: str, query: dict[str, Any], what: str, kind: type[Document]) -> Document:
        return self._decode(self._get(path, query, what), what, kind)

    def _decode(self, content: bytes, what: str, kind: type[Document]) -> Document:
        try:
            return msgspec.json.decode(content, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"{self._host} answers something else than {what}.",
                advice="Check that --host is the access URL of your dbt Cloud account.",
            ) from error

    def _get(self, path: str, query: dict[str, Any], what: str) -> bytes:
        try:
            answer = self._session.get(f"{self._api}/{path}", params=query, timeout=_SECONDS)
        except requests.RequestException as error:
            raise DbtCloudAwayError(
                f"{self._host} does not answer ({type(error).__name__}).", advice="Run this again in a while."
            ) from error
        if answer.status_code in _TRIES.status_forcelist:
            raise DbtCloudAwayError(
                f"{self._host} answers {answer.status_code}, also when asked again.",
                advice="Run this again in a while.",
            )
        if answer.status_code in {401, 403}:
            raise ConfigurationError(
                f"{self._host} refuses the token ({answer.status_code}) for {what} in the account {self._account}.",
                advice="DBT_CLOUD_API_TOKEN has to be a token of this account that may read its jobs' runs.",
            )
        if answer.status_code == requests.codes.not_found:
            raise self._unknown(what)
        if not answer.ok:
            raise ConfigurationError(f"{self._host} answers {answer.status_code} for {what}.")
        return answer.content

    def _unknown(self, what: str) -> ConfigurationError:
        return ConfigurationError(
            f"{self._host} has no {what} in the account {self._account}.",
            advice="Check the ids: they are in the address of the run's page in dbt Cloud.",
        )
