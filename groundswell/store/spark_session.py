"""The Spark session of the process, shared by the warehouses that are open on it."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING

from pyspark.sql import SparkSession

from groundswell.errors import Problem, StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOOPBACK = ("local", "spark://127.0.0.1:", "spark://localhost:")
_SETTINGS = {
    "spark.app.name": "groundswell",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "100000",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "100000",
}

_PARTITIONS = 8
"""Parts of a shuffle at least; Spark joins small ones when it sees their sizes."""


class _Shared:
    """The one session a process may have, and how many hold it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.session: SparkSession | None = None
        self.master = ""
        self.holders = 0


_SHARED = _Shared()


def take_session(master: str, settings: Mapping[str, str]) -> SparkSession:
    """Return a session with views and settings of its own, starting Spark when it is not up.

    Args:
        master: `spark://host:port` or `local[n]`.
        settings: `spark.*` settings on top of ours; those that are not of a session alone count
            when Spark starts.

    Raises:
        StoreError: The process already uses another master, or this one cannot be reached.
    """
    with _SHARED.lock:
        if _SHARED.session is None:
            _SHARED.session, _SHARED.master = _start(master, settings), master
        elif master != _SHARED.master:
            raise StoreError(
                Problem(
                    code="spark-master",
                    what=f"This process already uses {_SHARED.master}, so {master} cannot be used.",
                    fix="Close the other warehouse first; a process has one Spark.",
                )
            )
        _SHARED.holders += 1
        session = _SHARED.session.newSession()
        cores = _SHARED.session.sparkContext.defaultParallelism
        shared = {"spark.sql.shuffle.partitions": str(max(_PARTITIONS, 2 * cores))}
        for name, value in {**shared, **settings}.items():
            if session.conf.isModifiable(name):
                session.conf.set(name, value)
        return session


def release_session() -> None:
    """Give a session back; Spark stops with the last one."""
    with _SHARED.lock:
        _SHARED.holders -= 1
        if _SHARED.holders == 0 and _SHARED.session is not None:
            _SHARED.session.stop()
            _SHARED.session = None


def _start(master: str, settings: Mapping[str, str]) -> SparkSession:
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    ours = dict(_SETTINGS)
    if master.startswith(_LOOPBACK):
        ours |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    builder = SparkSession.builder.master(master)
    for name, value in {**ours, **settings}.items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except Exception as error:
        raise StoreError(
            Problem(
                code="spark-unreachable",
                what=f"Spark did not start on {master}: {str(error).splitlines()[0]}",
                fix="Check that Java 17 is installed and that the master is up at that address.",
            )
        ) from error
