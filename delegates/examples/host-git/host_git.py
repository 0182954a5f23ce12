#!/usr/bin/env python3
"""A delegate of suitesync that serves repositories over HTTPS with the `git` of its host.

It speaks what docs/delegate-protocol.md says: here is the conversation, in `task.py` the work. It keeps nothing between
two tasks. Needs Python 3.10 and Git 2.31, or newer ones, and no package besides.
"""

import concurrent.futures
import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

# This folder is of the configuration: nothing is written there.
sys.dont_write_bytecode = True

from server import Failed  # noqa: E402
from task import Task, named  # noqa: E402

PROTOCOL = 1
PARSE, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602
SECRET_PATIENCE = 10  # seconds for a command that prints a secret


class Delegate:
    """One message a line: requests come in; answers, in any order, and progress go out."""

    def __init__(self):
        self.speaking, self.changing = threading.Lock(), threading.Lock()
        self.under_way = {}  # By the task's id: the task, its request, and what becomes of it.
        self.settings, self.pool, self.folder = None, None, None

    def say(self, **message):
        line = json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n"
        # An agent that is gone hears nothing; that our input ends says so.
        with self.speaking, contextlib.suppress(BrokenPipeError):
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()

    def refuse(self, request, code, message):
        self.say(id=request, error={"code": code, "message": message})

    def hear(self, line):
        try:
            message = json.loads(line)
            method, request = message.get("method"), message.get("id")
        except (ValueError, AttributeError):
            return self.refuse(None, PARSE, "the line is no message")
        try:
            self.act(method, request, message.get("params"))
        except (KeyError, TypeError) as error:
            if request is not None:
                self.refuse(request, INVALID_PARAMS, f"{type(error).__name__}: {error}")

    def act(self, method, request, params):
        if method == "cancel":
            self.cancel(params["task"])
        elif method is None or request is None:
            pass  # An answer, or a notification that we do not know.
        elif method == "initialize":
            self.initialize(request, params)
        elif method != "run_task":
            self.refuse(request, METHOD_NOT_FOUND, "there are `initialize`, `run_task` and `cancel`")
        elif self.pool is None:
            self.refuse(request, INVALID_REQUEST, "`initialize` comes first")
        else:
            self.begin(request, params["task"])

    def initialize(self, request, params):
        if params.get("proxy"):
            return self.refuse(request, INVALID_PARAMS, "this delegate knows no proxy: remove `proxy` from plugin.toml")
        workers = min(params["capacity"], params["per_host"])
        self.settings, self.folder = params, make_folder(params["state_dir"])
        self.pool = concurrent.futures.ThreadPoolExecutor(workers)
        protocol = min(params["protocol"], PROTOCOL)
        self.say(id=request, result={"protocol": protocol, "program": "host-git 1", "work": ["probe", "sync"]})

    def begin(self, request, asked):
        identity = asked["id"]

        def tell(progress):
            self.say(method="progress", params={"task": identity, "progress": progress})

        def carry_out():
            self.answer(identity, task.carry_out(self.folder))

        task = Task(asked, self.settings.get("additional_certs"), tell, self.secret)
        with self.changing:
            self.under_way[identity] = (task, request, self.pool.submit(carry_out))

    def cancel(self, identity):
        task, _, future = self.under_way.get(identity, (None, None, None))
        if task:
            task.cancel()
            if future.cancel():  # It waited for its turn, and nobody else will answer.
                self.answer(identity, {"Err": Failed("canceled", "canceled before it began").failure})

    def answer(self, identity, result):
        with self.changing:
            _, request, _ = self.under_way.pop(identity)
        self.say(id=request, result={"outcome": {"task": identity, "result": result}})

    def end(self):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for identity in list(self.under_way):
            self.cancel(identity)
        if self.pool:
            self.pool.shutdown()
            shutil.rmtree(self.folder, ignore_errors=True)

    def secret(self, reference):
        """The value of a reference. What the name of a secret stands for was said in `initialize`."""
        kind, value = next(iter(reference.items()))
        if kind == "secret" and value in self.settings.get("secrets", {}):
            kind, value = next(iter(self.settings["secrets"][value].items()))
        try:
            found = read_secret(kind, value).removesuffix("\n").removesuffix("\r")
        except (KeyError, OSError, UnicodeError, subprocess.SubprocessError) as error:
            raise Failed("secret_unavailable", f"{named(reference)} cannot be had: {type(error).__name__}") from error
        if not found or not found.isprintable():
            raise Failed("secret_unavailable", f"{named(reference)} is empty or more than a line of text")
        return found


def read_secret(kind, value):
    if kind == "env":
        return os.environ[value]
    if kind == "file":
        return pathlib.Path(value).read_text()
    if kind == "credential":
        return pathlib.Path(os.environ["CREDENTIALS_DIRECTORY"], value).read_text()
    if kind == "command":
        settings = {"stdin": subprocess.DEVNULL, "timeout": SECRET_PATIENCE, "check": True, "text": True}
        return subprocess.run(value, stdout=subprocess.PIPE, **settings).stdout
    raise KeyError(kind)


def make_folder(state_dir):
    """A folder of this life, locked as long as it lasts. Those of lives that were cut short go.

    When plugin.toml changes, the life before may still end what it has in hand, beside this one.
    """
    os.makedirs(state_dir, exist_ok=True)
    whole = os.open(state_dir, os.O_RDONLY)
    fcntl.flock(whole, fcntl.LOCK_EX)
    for left in os.scandir(state_dir):
        held = os.open(left.path, os.O_RDONLY)
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left.path, ignore_errors=True)
        os.close(held)
    folder = tempfile.mkdtemp(dir=state_dir)
    # Kept open on purpose: the lock ends with us, however we end.
    fcntl.flock(os.open(folder, os.O_RDONLY), fcntl.LOCK_EX)
    os.close(whole)
    return folder


def main():
    delegate = Delegate()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        for line in sys.stdin.buffer:
            delegate.hear(line)
    finally:
        delegate.end()


if __name__ == "__main__":
    main()
