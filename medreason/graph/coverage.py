"""What of the graph the questions reach, and what they never do.

Belongs: the coverage table from nodes, edges, links and kept paths.
Does not belong: how it is shown (medreason/pages/coverage.py).
Rule: reached means linked to a question or on a kept path; what is never reached is counted for types and relations,
and named for the entities with the most edges.
"""

from __future__ import annotations

import pyarrow as pa

from medreason.base.tables.grounding import COVERAGE

N_UNREACHED = 100
"""Entities named among those that no question reaches: the ones with the most edges."""

_REACHED = """
with linked as (
    select distinct item_id, node_type, node_id from links where is_chosen
),
walked as (
    select item_id, unnest(nodes) as node from paths
),
on_paths as (
    select distinct item_id, node.node_type as node_type, node.node_id as node_id from walked
)
select node_type, node_id, item_id, bool_or(is_linked) as is_linked, bool_or(is_on_path) as is_on_path
from (
    select *, true as is_linked, false as is_on_path from linked
    union all
    select *, false, true from on_paths
)
group by node_type, node_id, item_id
"""

_ENTITIES = """
with degrees as (
    select node_index, count(*) as n_edges
    from (select subject_index as node_index from edges union all select object_index from edges)
    group by node_index
),
asked as (
    select
        node_type,
        node_id,
        count(*) filter (is_linked) as n_linked,
        count(*) filter (is_on_path) as n_on_paths,
        count(*) as n_questions
    from reached group by node_type, node_id
)
select
    nodes.node_type,
    nodes.node_id,
    nodes.node_name,
    coalesce(n_edges, 0) as n_in_graph,
    coalesce(n_linked, 0) as n_linked,
    coalesce(n_on_paths, 0) as n_on_paths,
    coalesce(n_questions, 0) as n_questions
from nodes left join degrees using (node_index) left join asked using (node_type, node_id)
"""

_TYPES = """
with asked as (
    select node_type, count(distinct item_id) as n_of_type from reached group by node_type
)
select
    'node_type' as kind,
    node_type,
    '' as code,
    '' as name,
    count(*) as n_in_graph,
    count(*) filter (n_linked > 0) as n_linked,
    count(*) filter (n_on_paths > 0) as n_on_paths,
    count(*) filter (n_questions > 0) as n_reached,
    any_value(coalesce(n_of_type, 0)) as n_questions
from entities left join asked using (node_type)
group by node_type
"""

_RELATIONS = """
with steps as (
    select item_id, unnest(flatten(hops)) as edge from paths
),
walked as (
    select
        edge.relation as relation,
        edge.display_relation as display_relation,
        count(distinct edge.edge_id) as n_walked,
        count(distinct item_id) as n_questions
    from steps group by all
),
declared as (
    select relation, display_relation, count(*) as n_in_graph from edges group by all
)
select
    'relation' as kind,
    '' as node_type,
    relation as code,
    display_relation as name,
    n_in_graph,
    0 as n_linked,
    coalesce(n_walked, 0) as n_on_paths,
    coalesce(n_walked, 0) as n_reached,
    coalesce(n_questions, 0) as n_questions
from declared left join walked using (relation, display_relation)
"""

_NAMED_ENTITIES = """
with ranked as (
    select
        *,
        n_questions > 0 as is_reached,
        row_number() over (partition by n_questions > 0 order by n_in_graph desc, node_type, node_id) as place
    from entities
)
select
    'entity' as kind,
    node_type,
    node_id as code,
    node_name as name,
    n_in_graph,
    n_linked,
    n_on_paths,
    is_reached::bigint as n_reached,
    n_questions
from ranked
where is_reached or place <= $n_unreached
"""


def coverage(nodes: pa.Table, edges: pa.Table, links: pa.Table, paths: pa.Table) -> pa.Table:
    """Table `graph_coverage` over all questions that were grounded.

    Args: tables `graph_nodes`, `graph_edges`, `links` and `paths`; links and paths are of this graph.
    """
    import duckdb

    given = {"nodes": nodes, "edges": edges, "links": links, "paths": paths}
    with duckdb.connect(config={"threads": 1}) as database:
        for name, table in given.items():
            database.register(name, table)
        database.execute(f"create table reached as {_REACHED}")
        database.execute(f"create table entities as {_ENTITIES}")
        parts = [database.sql(sql).to_arrow_table() for sql in (_TYPES, _RELATIONS)]
        parts.append(database.sql(_NAMED_ENTITIES, params={"n_unreached": N_UNREACHED}).to_arrow_table())
    return COVERAGE.conform(pa.concat_tables([COVERAGE.conform(part) for part in parts]))
