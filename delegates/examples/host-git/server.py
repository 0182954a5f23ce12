"""The way to a server, walked by hand and step by step, as what fails there has types and codes; and failures."""

import contextlib
import http.client
import os
import socket
import ssl
import time

PATIENCE = 10  # seconds for a step

HINTS = {
    "auth_missing": "set `credentials` for the connection",
    "auth_rejected": "check that the token is whole, not revoked, and made for this server",
    "canceled": "nothing: it was asked for",
    "connect": "check that the server is up and that a firewall lets this host reach it",
    "dns": "check the host name in the URL and the resolver of this host",
    "forbidden": "give the token the right to read the repository",
    "internal": "report it with the delegate's log around this time",
    "no_eligible_delegate": "ask for another delegate by `delegate_tags`",
    "not_git": "check that the URL is the one used for `git clone`",
    "path_not_found": "check the directory of the link",
    "protocol": "look at the delegate's log: there is what `git` said",
    "rate_limited": "nothing: it goes on by itself at the time that the server named",
    "redirect_refused": "use the address that the server redirects to, if it is yours",
    "ref_not_found": "check the branch or tag of the link",
    "repository_not_found": "check the repository in the URL, and that the token may read it",
    "secret_unavailable": "set the environment variable or the file that the secret names",
    "server_error": "look at the server; it is tried again by itself",
    "timeout": "check the load of the server and the network in between",
    "tls_expired": "renew the server's certificate, or check the clock of this host",
    "tls_hostname": "use the name that the certificate was issued for",
    "tls_other": "check what the server offers: TLS 1.2 or 1.3 is needed",
    "tls_untrusted": "put the issuer's certificate into `additional_certs_path`",
}

# By OpenSSL's `verify_code`; all others are about whom we trust.
CERTIFICATE_FAULTS = {9: "tls_expired", 10: "tls_expired", 62: "tls_hostname", 64: "tls_hostname"}

# By HTTP status, else by its hundreds.
REFUSALS = {401: "auth_rejected", 403: "forbidden", 404: "repository_not_found", 429: "rate_limited"}
REFUSALS_BY_HUNDRED = {3: "redirect_refused", 5: "server_error"}

# Of these the sign-in knows nothing: they are told a step later.
PAST_SIGN_IN = ("repository_not_found", "not_git", "protocol")

ADVERTISEMENT = "application/x-git-upload-pack-advertisement"


class Failed(Exception):
    """A failure as the protocol has it: a class, a message, one next step."""

    def __init__(self, kind, message, retry_after=None):
        super().__init__(message)
        self.failure = {"class": kind, "message": message, "hint": HINTS[kind]}
        if retry_after is not None:
            self.failure["retry_after"] = retry_after


class Way:
    """One walk to the repository of an `access`. `stoppable` is entered with what breaks off a step that waits."""

    def __init__(self, access, certificates, stoppable):
        self.certificates, self.stoppable = certificates, stoppable
        origin = access["url"]["origin"]
        self.host, self.port, self.path = origin["host"], origin["port"], access["url"]["path"]
        self.place = f"[{self.host}]" if ":" in self.host else self.host
        self.addresses, self.wire, self.days_left, self.refusal = [], None, None, None

    def url(self):
        return f"https://{self.place}:{self.port}{self.path}"

    def fail(self, kind, what, retry_after=None):
        return Failed(kind, f"{self.url()}: {what}", retry_after)

    def resolve(self):
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise self.fail("dns", error.strerror) from error
        self.addresses = list(dict.fromkeys(address[0] for *_, address in found))
        return ", ".join(self.addresses)

    def connect(self):
        fault = None
        for address in self.addresses:
            try:
                self.wire = socket.create_connection((address, self.port), PATIENCE)
                return address
            except OSError as error:
                fault = error
        if isinstance(fault, TimeoutError):
            raise self.fail("timeout", "no connection within the time limit")
        raise self.fail("connect", os.strerror(fault.errno)) from fault

    def secure(self):
        try:
            trust = ssl.create_default_context()
            if self.certificates:
                trust.load_verify_locations(cadata=self.certificates)
            with self.stoppable(self.hang_up):
                self.wire = trust.wrap_socket(self.wire, server_hostname=self.host)
        except ssl.SSLCertVerificationError as error:
            raise self.fail(CERTIFICATE_FAULTS.get(error.verify_code, "tls_untrusted"), error.verify_message) from error
        except TimeoutError as error:
            raise self.fail("timeout", "no TLS within the time limit") from error
        except OSError as error:
            raise self.fail("tls_other", getattr(error, "reason", None) or "closed in the middle of it") from error
        expires = ssl.cert_time_to_seconds(self.wire.getpeercert()["notAfter"])
        self.days_left = int((expires - time.time()) // 86400)
        return self.wire.version()

    def sign_in(self, authorization):
        """Asks what `git` will ask, once."""
        headers = {"Authorization": authorization} if authorization else {}
        try:
            answer = self.request(f"{self.path}/info/refs?service=git-upload-pack", headers)
        except TimeoutError as error:
            raise self.fail("timeout", "no answer within the time limit") from error
        except OSError as error:
            raise self.fail("connect", "the connection was closed before an answer came") from error
        except http.client.HTTPException as error:
            raise self.fail("protocol", "it does not speak HTTP") from error
        self.refusal = self.judge(answer, authorization)
        if self.refusal and self.refusal.failure["class"] not in PAST_SIGN_IN:
            raise self.refusal
        return "not rejected" if self.refusal else f"http 200, {'accepted' if authorization else 'none needed'}"

    def look(self):
        """What the sign-in's answer says of the repository."""
        if self.refusal:
            raise self.refusal

    def request(self, target, headers):
        server = http.client.HTTPConnection(self.place, self.port)
        server.sock = self.wire
        with self.stoppable(self.hang_up), contextlib.closing(server):
            server.request("GET", target, headers=headers)
            return server.getresponse()

    def judge(self, answer, authorization):
        kind, wait = answer.headers.get_content_type(), answer.headers.get("Retry-After", "")
        if answer.status == 401 and not authorization:
            return self.fail("auth_missing", "http 401")
        if answer.status != 200:
            refusal = REFUSALS.get(answer.status) or REFUSALS_BY_HUNDRED.get(answer.status // 100, "protocol")
            return self.fail(refusal, f"http {answer.status}", int(wait) if wait.isdecimal() else None)
        return None if kind == ADVERTISEMENT else self.fail("not_git", f"it answers {kind}")

    def hang_up(self):
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.wire, socket.SHUT_RDWR)
