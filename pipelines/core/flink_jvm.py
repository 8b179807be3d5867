"""How the JVM of local Flink jobs starts: its compilers, its collector, what it knows of itself.

All of it counts only before the JVM is up. Importing this module loads no engine.
"""

import os
from pathlib import Path

from pipelines.core.java_functions import functions_jar

SHORT_RUN = (
    "-XX:TieredStopAtLevel=1 -XX:-DontCompileHugeMethods -XX:ReservedCodeCacheSize=256m"
    " -XX:+UseSerialGC -XX:MetaspaceSize=256m"
)
"""JVM flags of a run of seconds: the first compiler alone, for long methods too, with room for all
it makes, and the collector that starts no threads. The second compiler makes code that runs two to
three times as fast and takes half a minute of a core for the operators of a job, so a short run is
over before it pays."""

LONG_RUN = (
    "-XX:+UseParallelGC -XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000"
    " -XX:Tier4CompileThreshold=150000 -XX:Tier4BackEdgeThreshold=400000"
)
"""JVM flags of a bounded run of minutes: the collector that gives up least throughput, and a second
compiler that begins ten times as late as usual. What runs once for each record is compiled a moment
later; planner and start, which are over in seconds, are not, which saves 20 s of a core."""

JAVA = Path(__file__).parent / "java"
RPC_SERVICE = {"org.apache.flink.runtime.rpc.RpcSystemLoader": "sangam.core.SharedRpc"}


def compile_quickly() -> None:
    """Let the JVM, if it is not up yet, run with `SHORT_RUN`."""
    os.environ.setdefault("JVM_ARGS", SHORT_RUN)


def compile_what_lasts() -> None:
    """Let the JVM, if it is not up yet, run with `LONG_RUN`."""
    os.environ.setdefault("JVM_ARGS", LONG_RUN)


def generated_classes() -> dict[str, str]:
    """Options of a job that say how Flink's planner makes classes.

    It parses each of them to cut long methods, which a JVM of the usual flags never compiles. That
    is a third of planning; with `SHORT_RUN` they are compiled, so that only a class which could
    break the limits of a class file is cut.
    """
    is_short = os.environ.get("JVM_ARGS", "").startswith(SHORT_RUN)
    return {"table.generated-code.max-length": "100000"} if is_short else {}


def share_rpc() -> None:
    """Let all jobs of the JVM, if it is not up yet, have one RPC system (`java/SharedRpc.java`).

    Raises:
        DependencyError: the class cannot be compiled.
    """
    jar = str(functions_jar("core", JAVA, services=RPC_SERVICE))
    entries = os.environ.get("HADOOP_CLASSPATH", "").split(os.pathsep)
    if jar not in entries:
        os.environ["HADOOP_CLASSPATH"] = os.pathsep.join([*filter(None, entries), jar])
