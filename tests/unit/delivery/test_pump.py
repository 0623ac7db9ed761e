from __future__ import annotations

import re
from pathlib import Path

from dbt_drift.delivery.pump import UNWRITTEN_ROWS


def test_the_fold_doubts_as_many_contacts_as_can_be_under_way() -> None:
    macro = Path("macros/ledger/fold.sql").read_text("utf-8")
    found = re.search(r"macro most_unjournaled\(\) %\}\{\{ return\((\d+)\)", macro)
    assert found is not None
    assert int(found[1]) == UNWRITTEN_ROWS
