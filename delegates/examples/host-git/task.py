"""One task, from what the agent asks to the outcome: what is not ours is refused, the rest the host's `git` does."""

import base64
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import time
import traceback

from katalon import FOLDER, Finding
from server import Failed, Way

SYSTEM_ROOTS = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")  # what Debian trusts: `git` is told in one file

# Git follows nobody, asks nobody, and does nothing once the task is over.
SETTINGS = {
    "credential.helper": "",
    "fetch.negotiationAlgorithm": "noop",
    "gc.auto": "0",
    "http.followRedirects": "false",
    "maintenance.auto": "false",
    "protocol.allow": "never",
    "protocol.https.allow": "always",
}

NO_COMMIT = {"path": "", "message": "the repository has no commit yet"}
TELL_EVERY = 100  # files


class Task:
    """A task under way; another thread may cancel it. `tell` sends its progress, `secret` reads a secret."""

    def __init__(self, task, additional_certs, tell, secret):
        self.access, self.work, self.tell, self.secret = task["access"], task["work"], tell, secret
        given = (additional_certs, self.access.get("additional_certs"))
        self.certificates = "\n".join(pem for pem in given if pem)
        self.way = Way(self.access, self.certificates, self.stoppable)
        self.authorization, self.folder, self.asked, self.trees = None, None, 0, {}
        self.lock, self.canceled, self.stop = threading.Lock(), False, None

    def cancel(self):
        with self.lock:
            self.canceled = True
            if self.stop:
                self.stop()

    @contextlib.contextmanager
    def stoppable(self, stop):
        """Whoever cancels meanwhile calls `stop`, which must not block."""
        with self.lock:
            self.stop = stop
            if self.canceled:
                stop()
        try:
            yield
        finally:
            with self.lock:
                self.stop = None

    def carry_out(self, state_dir):
        """The result for the outcome: facts under `Ok`, or a failure under `Err`."""
        try:
            self.refuse_what_is_not_ours()
            with tempfile.TemporaryDirectory(dir=state_dir, ignore_cleanup_errors=True) as self.folder:
                result = {"Ok": self.probe() if "probe" in self.work else self.sync(self.work["sync"]["links"])}
        except Failed as failed:
            result = {"Err": failed.failure}
        except Exception as error:  # A slip of ours fails its own task alone, and is in the log.
            if not self.canceled:
                traceback.print_exc()
            result = {"Err": Failed("internal", f"it broke off: {type(error).__name__}").failure}
        return {"Err": Failed("canceled", "canceled").failure} if self.canceled else result

    def refuse_what_is_not_ours(self):
        def refuse(what):
            raise Failed("no_eligible_delegate", f"this delegate {what}")

        if "run" in self.work:
            refuse("executes no runs")
        if self.access["url"]["origin"]["scheme"] != "https":
            refuse("reaches servers by https alone")
        if self.access.get("client_certificate"):
            refuse("has no certificate of its own to show")
        if "private_key" in (self.access.get("credentials") or {}):
            refuse("signs in without keys of SSH")

    # The test of a connection.

    def probe(self):
        walk = [("secrets", self.unlock), ("dns", self.way.resolve), ("connect", self.way.connect)]
        walk += [("tls", self.way.secure), ("credentials", self.sign_in), ("repository", self.look)]
        if self.access.get("api"):
            walk.append(("api", None))
        reports, failure = [], None
        for step, take in walk:
            report = {"step": step, "outcome": "skipped", "detail": "", "duration_ms": 0}
            if take and not failure:
                begun = time.monotonic()
                try:
                    report.update(outcome="ok", detail=take())
                except Failed as failed:
                    failure = failed.failure
                    report.update(outcome="failed", detail=failure["message"])
                report["duration_ms"] = round((time.monotonic() - begun) * 1000)
            reports.append(report)
            self.tell({"step": report})
        return {"probe": {"steps": reports, "failure": failure, "certificate_days_left": self.way.days_left}}

    def unlock(self):
        """Reads the credentials; where they come from. They are sent in a header and are no argument of any command."""
        kind, given = next(iter((self.access.get("credentials") or {"none": None}).items()))
        if kind == "none":
            return "none needed"
        source = given["password" if kind == "basic" else "token"]
        value = self.secret(source)
        login = base64.b64encode(f"{given['username']}:{value}".encode()).decode() if kind == "basic" else value
        self.authorization = f"{kind.capitalize()} {login}"
        return named(source)

    def sign_in(self):
        return self.way.sign_in(self.authorization)

    def look(self):
        self.way.look()
        return f"{len(self.list_refs())} refs"

    # A sync.

    def sync(self, links):
        self.unlock()
        refs = self.list_refs()
        reports = []
        for link in links:
            try:
                result = {"Ok": self.sync_link(link, refs)}
            except Failed as failed:
                result = {"Err": failed.failure}
            reports.append({"link": link["link"], "revision": link["revision"], "result": result})
        # How many bytes came `git` does not tell.
        transfer = {"requests": self.asked, "received_bytes": 0}
        return {"sync": {"links": reports, "transfer": transfer, "mirror_rebuilt": None}}

    def list_refs(self):
        """The commits of branches and tags as the server has them now."""
        printed = self.ask("ls-remote", self.way.url(), "HEAD", "refs/heads/*", "refs/tags/*").decode(errors="replace")
        lines = (line.split("\t") for line in printed.splitlines())
        # The commit of a tag that is an object of its own comes after it, as `NAME^{}`.
        return {name.removesuffix("^{}"): commit for commit, name in lines}

    def sync_link(self, link, refs):
        commit, directory = commit_of(link["reference"], refs), link["directory"]
        if commit is None and refs:
            raise self.way.fail("ref_not_found", f"there is no {json.dumps(link['reference'])}")
        if commit is None:
            discovery = {"roots": [], "cases": [], "suites": [], "notices": [NO_COMMIT]}
            return {"found": {"commit": None, "discovery": discovery, "parsed": 0, "remembered": 0}}
        if commit == link.get("known"):
            return {"unchanged": {"commit": commit}}
        tree = self.trees.get(commit) or self.trees.setdefault(commit, self.fetch_tree(commit))
        if directory and tree.get(directory, ("", ""))[0] != FOLDER:
            raise self.way.fail("path_not_found", f"there is no directory `{directory}` at commit {commit[:12]}")
        finding = Finding(tree, directory)
        contents = self.fetch_files(finding.needed())
        facts = {"discovery": finding.tests(contents), "parsed": len(contents), "remembered": 0}
        return {"found": {"commit": commit, **facts}}

    def fetch_tree(self, commit):
        """Mode and id of all that is in a commit, by path: neither its history nor what is in its files."""
        self.git("init", "--quiet", "--bare", self.folder)
        self.git("config", "remote.origin.url", self.way.url())
        self.ask("fetch", "--quiet", "--depth=1", "--filter=blob:none", "--no-tags", "origin", commit)
        tree = {}
        for entry in self.git("ls-tree", "-r", "-t", "-z", commit).split(b"\0")[:-1]:
            about, path = entry.split(b"\t", 1)
            mode, _, identity = about.decode().split(" ")
            tree[path.decode(errors="backslashreplace")] = (mode, identity)
        return tree

    def fetch_files(self, wanted):
        """The content of files by id. All of them are asked for at once: `git` by itself would ask for each."""
        if not wanted:
            return {}
        given = "".join(f"{identity}\n" for identity in wanted).encode()
        quietly = ("--quiet", "--filter=blob:none", "--no-tags", "--no-write-fetch-head")
        self.ask("fetch", *quietly, "--stdin", "origin", given=given)
        printed, contents, at = self.git("cat-file", "--batch", given=given), {}, 0
        while at < len(printed):
            begin = printed.index(b"\n", at) + 1
            identity, _, size = printed[at:begin].decode().split()
            at = begin + int(size) + 1
            contents[identity] = printed[begin:at - 1]
            if len(contents) % TELL_EVERY == 0:
                self.tell({"read": {"done": len(contents), "total": len(wanted)}})
        return contents

    # The host's `git`.

    def ask(self, *words, given=None):
        """Has `git` ask the server. It tells what fails in words alone, so the way is walked to see what it is."""
        self.asked += 1
        try:
            return self.git(*words, given=given)
        except subprocess.CalledProcessError as failed:
            if not self.canceled:
                self.way.resolve()
                self.way.connect()
                self.way.secure()
                self.sign_in()
                self.way.look()
            raise self.way.fail("protocol", f"`git {words[0]}` ended with exit status {failed.returncode}") from failed

    def git(self, *words, given=None):
        """What `git` prints; what it has to say goes to the delegate's log."""
        pipe = subprocess.PIPE
        process = subprocess.Popen(["git", *words], cwd=self.folder, env=self.environment(), stdin=pipe, stdout=pipe)
        with self.stoppable(lambda: kill_family(process.pid)):
            printed, _ = process.communicate(given)
        if process.returncode != 0:
            raise subprocess.CalledProcessError(process.returncode, words[0])
        return printed

    def environment(self):
        """Of this host only where programs are, so that no setting of it is in the way; and the credentials."""
        trusted = pathlib.Path(self.folder, "trusted.pem")
        if not trusted.exists():
            system = SYSTEM_ROOTS.read_text() if SYSTEM_ROOTS.exists() else ""
            trusted.write_text(f"{self.certificates}\n{system}")
        header = {"http.extraHeader": f"Authorization: {self.authorization}"} if self.authorization else {}
        settings = {**SETTINGS, **header}
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": self.folder,
            "GIT_CEILING_DIRECTORIES": os.path.dirname(self.folder),
            "GIT_CONFIG_COUNT": str(len(settings)),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_SSL_CAINFO": str(trusted),
            "GIT_TERMINAL_PROMPT": "0",
        }
        for number, (key, value) in enumerate(settings.items()):
            environment.update({f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value})
        return environment


def named(reference):
    """A secret in messages: where it comes from, never what it is."""
    kind, value = next(iter(reference.items()))
    return f"[secret {value}]" if kind == "secret" else f"[secret {kind}:{value[0] if kind == 'command' else value}]"


def commit_of(reference, refs):
    if reference == "default":
        return refs.get("HEAD")
    kind, name = next(iter(reference.items()))
    return name if kind == "commit" else refs.get(f"refs/{'heads' if kind == 'branch' else 'tags'}/{name}")


def kill_family(process):
    """Ends a process with all that it started: `git` leaves behind those that speak for it."""
    with contextlib.suppress(OSError):
        children = pathlib.Path(f"/proc/{process}/task/{process}/children").read_text().split()
        os.kill(process, signal.SIGKILL)
        for child in children:
            kill_family(int(child))
