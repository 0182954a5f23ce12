"""Katalon tests in a tree of files, in the shapes of the protocol (`Discovery`). Pure: ids and bytes in, tests out.

A root is the folder of a `.prj`; a case is a `.tc` below its `Test Cases`, a suite a `.ts` below its `Test Suites`. The
id of either is its path below the root without the ending.
"""

from xml.etree import ElementTree

FILES = ("100644", "100755")
FOLDER = "040000"
MAX_DESCRIPTION = 4000  # characters: it is for people

SUITES = {"TestSuiteEntity": "static", "FilteringTestSuiteEntity": "dynamic", "TestSuiteCollectionEntity": "collection"}


class Finding:
    """The tests below `directory` of a tree (mode and id by path): first what has to be read, then the tests."""

    def __init__(self, tree, directory):
        self.tree, self.directory, self.contents = tree, directory, {}
        self.files = {path: identity for path, (mode, identity) in tree.items() if mode in FILES}
        self.projects = sorted(path for path in self.files if path.endswith(".prj") and not is_build_output(path))

    def needed(self):
        """The ids of the files whose content matters, each once."""
        tests = (path for path in self.files if may_be_test(path) and self.shows(path))
        return list(dict.fromkeys(self.files[path] for path in [*self.projects, *tests]))

    def tests(self, contents):
        """The discovery, from the content of each file that is needed, by id."""
        self.contents = contents
        roots = self.roots()
        cases, suites = self.owned(roots, ".tc", "Test Cases/"), self.owned(roots, ".ts", "Test Suites/")
        touched = [root for root in sorted(roots) if self.touches(root)]
        missing = {"path": self.directory, "message": "no test project was found: one has a `.prj` at its top"}
        return {
            "roots": [{"path": root, "name": roots[root], "format": "katalon"} for root in touched],
            "cases": [self.case(*owned) for owned in cases if self.shows(owned[2])],
            "suites": [self.suite(*owned, cases, suites) for owned in suites if self.shows(owned[2])],
            "notices": [] if touched else [missing],
        }

    def shows(self, path):
        return not self.directory or path == self.directory or path.startswith(self.directory + "/")

    def touches(self, root):
        return not root or self.shows(root) or self.directory.startswith(root + "/")

    def roots(self):
        """Names of projects, by folder; of several in one folder the first counts."""
        roots = {}
        for path in self.projects:
            try:
                name = text(self.parse(path, ["Project"]), "name")
            except ValueError:
                continue
            roots.setdefault(path.rpartition("/")[0], name)
        return roots

    def owned(self, roots, ending, home):
        """Root, id and path of the files of a kind, each with the innermost project around it; sorted."""
        found = []
        for path in self.files:
            root = next((folder for folder in folders_of(path) if folder in roots), None)
            if root is not None and path.endswith(ending):
                below = path[len(root):].lstrip("/")
                if below.startswith(home):
                    found.append((root, below[:-len(ending)], path))
        return sorted(found)

    def parse(self, path, names):
        """The root element of a file. Document types are refused: their entities are how small files grow large."""
        content = self.contents[self.files[path]]
        if b"<!DOCTYPE" in content:
            raise ValueError("a document type declaration is refused")
        try:
            element = ElementTree.fromstring(content)
        except (ElementTree.ParseError, LookupError) as error:
            raise ValueError(f"not well-formed XML: {error}") from error
        if element.tag not in names:
            raise ValueError(f"root element is {element.tag}, not {names[0]}")
        return element

    def test(self, owned, names, guid):
        """The root element and what cases and suites have in common; nothing is in one that cannot be read."""
        root, identity, path = owned
        try:
            element, state = self.parse(path, names), "ok"
        except ValueError as fault:
            element, state = ElementTree.Element(names[0]), {"malformed": {"reason": str(fault)}}
        tags = [tag.strip() for tag in text(element, "tag").split(",") if tag.strip()]
        about = {"name": text(element, "name"), "guid": text(element, guid) or None, "tags": tags}
        about["description"] = text(element, "description")[:MAX_DESCRIPTION]
        place = {"root": root, "id": identity, "path": path, "blob": self.files[path]}
        return element, {**place, **about, "state": state}

    def case(self, *owned):
        root, identity, _ = owned
        _, case = self.test(owned, ["TestCaseEntity"], "testCaseGuid")
        folder = "Scripts/" + identity.removeprefix("Test Cases/")
        mode, tree = self.tree.get(f"{root}/{folder}" if root else folder, ("", None))
        return {**case, "scripts": tree if mode == FOLDER else None}

    def suite(self, root, identity, path, cases, suites):
        element, suite = self.test((root, identity, path), list(SUITES), "testSuiteGuid")
        kind = SUITES[element.tag]
        if kind == "collection":
            rows = element.findall("testSuiteRunConfigurations/TestSuiteRunConfiguration")
            lines = [(text(row, "testSuiteEntity"), text(row, "runEnabled", "false")) for row in rows]
        else:
            lines = [(text(row, "testCaseId"), text(row, "isRun", "true")) for row in element.findall("testCaseLink")]
        names = {other for home, other, _ in (suites if kind == "collection" else cases) if home == root}
        entries = [{"id": name, "enabled": is_true(flag), "state": state_of(name, names)} for name, flag in lines]
        query = text(element, "filteringText") if kind == "dynamic" else None
        return {**suite, "kind": kind, "query": query, "entries": entries}


def is_build_output(path):
    return "bin" in path.split("/")[:-1]


def may_be_test(path):
    return path.endswith((".tc", ".ts")) and ("Test Cases/" in path or "Test Suites/" in path)


def folders_of(path):
    """Every folder that a path lies in, the nearest first and the top, which is empty, last."""
    while path:
        path = path.rpartition("/")[0]
        yield path


def text(element, name, otherwise=""):
    found = element.find(name)
    return otherwise if found is None else found.text or ""


def is_true(flag):
    return flag.strip() in ("true", "1")


def state_of(name, names):
    if name in names:
        return "ok"
    return "case_differs" if name.casefold() in {other.casefold() for other in names} else "missing"
