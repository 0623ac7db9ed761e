"""A ledger as it is after years: many runs, syncs and contacts, made by SQL from one small run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.harness import Bench


def fill_ledger(bench: Bench, *, syncs: int, runs: int, contacts: int) -> None:
    """Sync some models of one row, then multiply what the ledger has of them; contacts: over all syncs."""
    for number in range(syncs):
        bench.table(f"model_{number}", f"select 'p{number}@example.com' as email, true as vip, 'Name' as name")
        bench.declare(
            f"model_{number}",
            {
                "fields": {"email": "email", f"name_{number}": "name"},
                "audiences": [{"tag": f"VIP {number}", "mode": "mirror", "when": "vip"}],
            },
        )
    bench.run()
    ledger = bench.ledger
    for number in range(syncs):
        table = f"{ledger}.model_{number}__accepted"
        columns = [
            name
            for (name,) in bench.warehouse.rows(
                "select column_name from information_schema.columns "
                f"where table_schema = '{ledger}' and table_name = 'model_{number}__accepted'"
            )
        ]
        others = ", ".join(name for name in columns if name != "contact_key")
        bench.warehouse.execute(
            f"insert into {table} (contact_key, {others}) select 'c' || i, {others} from {table}, "
            f"generate_series(2, {contacts // syncs}) as g(i)"
        )
    for table, times in {"drift_runs": ["started_at", "finished_at"], "drift_run_syncs": ["finished_at"]}.items():
        columns = [
            name
            for (name,) in bench.warehouse.rows(
                "select column_name from information_schema.columns "
                f"where table_schema = '{ledger}' and table_name = '{table}' order by ordinal_position"
            )
        ]
        earlier = {name: f"{name} - i * interval '1 day'" for name in times}
        values = {**dict(zip(columns, columns, strict=True)), **earlier, "invocation_id": "invocation_id || '-' || i"}
        bench.warehouse.execute(
            f"insert into {ledger}.{table} ({', '.join(columns)}) "
            f"select {', '.join(values[name] for name in columns)} from {ledger}.{table}, "
            f"generate_series(2, {runs}) as g(i)"
        )
