"""The process manager's own process: supervisor, which has loaded the programs it starts.

Loading what a worker needs takes a second of processor time, and half of it in memory is the same
in all of them. So it is loaded here, once; a program then begins as a fork of this process: at
once, also after a crash, and sharing that memory. Programs that are not in the table (Valkey is
foreign, the API must be patched by gevent before anything else is loaded) are started anew.

Called as `python -m offerhub.cli.appliance.manager` in the deployment's folder, with supervisor's
own options.
"""

import gc
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NoReturn

from supervisor import supervisord  # type: ignore[import-untyped]
from supervisor.options import ServerOptions  # type: ignore[import-untyped]

from offerhub.cli.appliance import child, holding, programs

TAKEOVER_S: Final = 45.0  # an earlier manager lets its programs finish first
_WORKER: Final = ("offerhub.worker.main", "offerhub.cli.processes")
LOADED: Final[Mapping[str, tuple[str, ...]]] = {
    "sandbox": ("offerhub.sandbox.server", "offerhub.cli.processes"),
    "worker-critical": (*_WORKER, "offerhub.worker.jobs.operations"),
    "worker-webhooks": (*_WORKER, "offerhub.worker.jobs.inbox"),
    "worker-deliveries": (*_WORKER, "offerhub.worker.jobs.deliveries"),
    "worker-maintenance": (*_WORKER, "offerhub.worker.jobs.checks"),
    "relay": ("offerhub.worker.relay", "offerhub.cli.processes"),
    "deposits": ("offerhub.worker.deposits", "offerhub.cli.processes"),
    "scheduler": ("offerhub.worker.scheduler", "offerhub.cli.processes"),
}
"""What is loaded for each program that begins as a fork."""


def main(arguments: Sequence[str]) -> None:
    """Run supervisor, the only one of this folder, until it is told to stop."""
    try:
        holding.hold(Path("data/run"), programs.MANAGER, takeover_s=TAKEOVER_S)
    except holding.StillHeld as error:
        sys.exit(f"offerhub: {error}")
    supervisord.ServerOptions = Options  # the one place where supervisor makes its options
    supervisord.main(arguments)


class Options(ServerOptions):  # type: ignore[misc]
    """Supervisor's options, and its way to the system: here also how a program begins."""

    def realize(self, *args: Any, **more: Any) -> None:
        super().realize(*args, **more)
        names = [
            program.name
            for group in self.process_group_configs
            for program in group.process_configs
        ]
        self.ready = frozenset(name for name in names if _load(name))
        gc.collect()
        gc.freeze()  # a collection in a fork would touch, and so copy, every page

    def execve(self, filename: str, argv: Sequence[str], env: Mapping[str, str]) -> None:
        """Called in the fork, its output and folder set: become the program."""
        if len(argv) == 2 and argv[1] in self.ready:
            _become(argv[1], env)
        super().execve(filename, argv, env)


def _load(name: str) -> bool:
    """Whether all that the program needs is loaded; if not, it is started anew and says why."""
    try:
        for module in LOADED.get(name, ()):
            importlib.import_module(module)
    except Exception:  # noqa: BLE001 - the program itself will fail, in its own log
        traceback.print_exc()
        return False
    return name in LOADED


def _become(name: str, env: Mapping[str, str]) -> NoReturn:
    """Be the program `name`, then end, without going back into supervisor's code.

    Supervisor's own ending would remove the socket and the process number of whichever manager
    runs by then.
    """
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD,
                       signal.SIGUSR2):  # fmt: skip
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.clear()
        os.environ.update(env)
        sys.argv = ["offerhub", name]
        sys.stdin, sys.stdout, sys.stderr = _opened(0, "r"), _opened(1, "w"), _opened(2, "w")
        child.main([name])
        code = 0
    except SystemExit as end:
        code = _exit_code(end)
    except BaseException:  # noqa: BLE001 - as the interpreter would
        traceback.print_exc()
    finally:
        _flush()
        os._exit(code)


def _flush() -> None:
    """Write out what is left; a manager that was killed does not read it any more."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()


def _exit_code(end: SystemExit) -> int:
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    print(end.code, file=sys.stderr)
    return 1


def _opened(descriptor: int, mode: str) -> Any:
    """A standard stream on its descriptor, whatever supervisor had made of it."""
    return open(descriptor, mode, encoding="utf-8", errors="backslashreplace",
                buffering=1, closefd=False)  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
