"""A second dbt project for the tests, made of input that nobody here made up: the seeds of dbt-labs/jaffle_shop.

The checkout holds no copy of them; they are looked for beside it, in ``../shared/jaffle``.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

SEEDS = Path(__file__).parents[3] / "shared" / "jaffle"

_PROJECT = """
name: jaffle_shop
profile: jaffle_shop
config-version: 2
flags:
  send_anonymous_usage_stats: false
models:
  +materialized: table
"""

_CUSTOMERS = """
with orders as (
    select user_id as customer_id, count(*) as number_of_orders, min(order_date) as first_order
    from {{ ref('raw_orders') }}
    group by user_id
),

payments as (
    select orders.user_id as customer_id, sum(payments.amount) as cents
    from {{ ref('raw_payments') }} as payments
    inner join {{ ref('raw_orders') }} as orders on orders.id = payments.order_id
    group by orders.user_id
)

select
    customers.id as customer_id,
    lower(customers.first_name || '.' || left(customers.last_name, 1)) || customers.id || '@example.com' as email,
    customers.first_name,
    customers.last_name,
    coalesce(orders.number_of_orders, 0) as number_of_orders,
    orders.first_order,
    cast(coalesce(payments.cents, 0) / 100.0 as decimal(10, 2)) as customer_lifetime_value,
    coalesce(orders.number_of_orders, 0) > 1 as has_ordered_again
from {{ ref('raw_customers') }} as customers
left join orders on orders.customer_id = customers.id
left join payments on payments.customer_id = customers.id
"""

_PROPERTIES = """
version: 2
models:
  - name: customers
    description: One row for each customer, with what they ordered and paid.
    config:
      meta:
        drift:
          fields:
            email: email
            externalId: customer_id
            first_name: first_name
            last_name: last_name
            number_of_orders: number_of_orders
            first_order: first_order
            customer_lifetime_value: customer_lifetime_value
          audiences:
            - tag: Ordered again
              mode: mirror
              when: has_ordered_again
    columns:
      - name: customer_id
        data_tests: [unique, not_null]
      - name: email
        data_tests: [unique, not_null]
"""


def write_jaffle_shop(directory: Path, output: Mapping[str, Any]) -> None:
    """Write the project: three seeds and the model ``customers``, one contact for each of 100 customers.

    Skips the test where the seeds are not there.

    Args:
        directory: Becomes the project, its profile included; made if it does not exist.
        output: What dbt connects to, an output of a profile: ``postgres_server.profile_output(dbname)``, or
            ``{"type": "duckdb", "path": ...}``.
    """
    if not SEEDS.is_dir():
        pytest.skip("the seeds of dbt-labs/jaffle_shop do not lie beside the checkout (../shared/jaffle)")
    for folder in ("models", "seeds"):
        (directory / folder).mkdir(parents=True)
    for name in ("raw_customers", "raw_orders", "raw_payments"):
        shutil.copyfile(SEEDS / f"{name}.csv", directory / "seeds" / f"{name}.csv")
    (directory / "dbt_project.yml").write_text(_PROJECT)
    (directory / "models" / "customers.sql").write_text(_CUSTOMERS)
    (directory / "models" / "_models.yml").write_text(_PROPERTIES)
    profiles = {"jaffle_shop": {"target": "test", "outputs": {"test": {"schema": "analytics", **output}}}}
    (directory / "profiles.yml").write_text(json.dumps(profiles, default=str))  # JSON is YAML
