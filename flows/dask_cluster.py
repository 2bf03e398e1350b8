"""Which Dask cluster a campaign evaluates on: one that runs somewhere, or workers started here for one run."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from afssb_opt.domain.errors import AfssbError
from afssb_opt.domain.spec import ClusterSpec

if TYPE_CHECKING:
    from distributed import Client

# A scheduler that restarts as a service is back within this time; longer, and the run ends and is called again.
CONNECT_SECONDS = 60


class ClusterError(AfssbError):
    """The cluster cannot evaluate this campaign: packages are missing or differ."""


class ClusterUnavailableError(ClusterError):
    """The cluster does not answer now; the same run may succeed later."""

    is_retryable: ClassVar[bool] = True


@contextmanager
def cluster_client(cluster: ClusterSpec | None, scratch: Path) -> Iterator[Client | None]:
    """Give a client of the cluster that the campaign file names, None where it names none.

    Args:
        cluster: As in the campaign file.
        scratch: Private folder for the working files of local workers.

    Raises:
        ClusterError: Dask is not installed.
        ClusterUnavailableError: The scheduler does not answer, or the local workers did not start.
    """
    if cluster is None:
        yield None
        return
    try:
        from distributed import Client, LocalCluster  # an extra that most campaigns do not need
    except ImportError as error:
        raise ClusterError(
            f"`cluster:` in the campaign file needs Dask, which is not installed ({error}). "
            "Install the extra: afssb-opt[dask], or remove `cluster:` to evaluate in this process"
        ) from None
    if cluster.address:
        try:
            client = Client(cluster.address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise ClusterUnavailableError(
                f"the Dask scheduler {cluster.address} does not answer ({type(error).__name__}: {error}). "
                "Start it with `dask scheduler`, or mend the address (`cluster.dask` in the campaign file, `--cluster`)"
            ) from None
        with client:
            yield client
        return
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    # TLS with keys that exist in memory only: whoever reaches an open scheduler, another user of this machine
    # too, runs code as us. One thread each: a user's evaluator need not be safe for threads.
    with (
        LocalCluster(
            n_workers=cluster.local_workers,
            threads_per_worker=1,
            host="127.0.0.1",
            protocol="tls://",
            security=True,
            # Any free port: at its usual one the scheduler complains when a second campaign runs on the same machine.
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            local_directory=str(scratch),
            # A worker that is slow to leave is ended; nobody needs to read that on the terminal.
            silence_logs=logging.CRITICAL,
        ) as local,
        Client(local, timeout=CONNECT_SECONDS, set_as_default=False) as client,
    ):
        yield client
