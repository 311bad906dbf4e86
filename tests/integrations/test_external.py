"""`butane-py external`: the protocol of Terraform's data source `external`."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from butane_py.cli import external
from tests.helpers.fleet import HEAD

CONFIG = HEAD + 'vars: {name: string, mtu: {type: int, default: 1500}}\nstorage: {files: [{path: /n, contents: {inline: "${{ name }} ${{ mtu }}"}}]}\n'


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Asks the command; its exit status, the answer and standard error. Standard output is an answer or empty."""

    def asked(query: Any) -> tuple[int, Any, str]:
        data = query if isinstance(query, bytes) else json.dumps(query).encode()
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        status = external.main("butane-py external", [])
        out, err = capsys.readouterr()
        return status, json.loads(out) if out else None, err

    return asked


def test_an_answer_is_an_object_of_strings(ask: Any) -> None:
    status, answer, err = ask({"content": CONFIG, "vars": '{"name": "n1", "mtu": 9000}'})
    assert (status, err) == (0, "")
    assert sorted(answer) == ["bytes", "rendered", "sha512", "user_data", "warnings"] and {type(each) for each in answer.values()} == {str}
    rendered = answer["rendered"].encode()
    assert json.loads(rendered)["storage"]["files"][0]["contents"]["source"] == "data:,n1%209000"
    assert (answer["sha512"], answer["bytes"], answer["warnings"]) == (hashlib.sha512(rendered).hexdigest(), str(len(rendered)), "")


def test_a_file_with_what_lies_beside_it(ask: Any, tmp_path: Path) -> None:
    (tmp_path / "node.bu").write_text(HEAD + "include: [base.bu]\nstorage: {files: [{path: /f, mode: 644, contents: {local: f}}]}\n")
    (tmp_path / "base.bu").write_text("storage: {links: [{path: /l, target: /f}]}\n")
    (tmp_path / "f").write_text("from a file")
    query = {"source": str(tmp_path / "node.bu"), "files_dir": str(tmp_path), "pretty_print": "true"}
    status, answer, err = ask({**query, "snippets": json.dumps(["storage: {files: [{path: /f, user: {id: 7}}]}"])})
    assert status == 0 and "warning[mode-decimal]" in err
    assert answer["warnings"] == f"{tmp_path}/node.bu:4:36: mode 644 is decimal and means 01204"
    assert answer["rendered"].startswith('{\n  "ignition"')
    (file,), (link,) = (json.loads(answer["rendered"])["storage"][kind] for kind in ("files", "links"))
    assert (file["contents"]["source"], file["user"], link["path"]) == ("data:,from%20a%20file", {"id": 7}, "/l")
    status, answer, err = ask({**query, "strict": "true"})
    assert (status, answer) == (1, None) and "error[mode-decimal]" in err


def test_secrets_have_to_be_allowed(ask: Any) -> None:
    query = {"content": CONFIG, "secret_vars": '{"name": "hunter2hunter2"}'}
    status, answer, err = ask(query)
    assert (status, answer) == (1, None) and "error[secret-unmarked]" in err and "hunter2" not in err
    status, answer, err = ask({**query, "secrets": "inline"})
    assert (status, err) == (0, "") and "hunter2hunter2" in answer["rendered"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (b"", "standard input is not a JSON object of strings"),
        (b"\xff", "standard input is not a JSON object of strings"),
        (b"[" * 100_000, "standard input is not a JSON object of strings"),
        ([], "the query is not an object of strings"),
        ({"content": 1}, "the query is not an object of strings"),
        ({}, "the query has to have source (a file) or content (a text), and not both"),
        ({"content": "", "source": "a"}, "and not both"),
        ({"contents": ""}, "unknown key 'contents'; did you mean content"),
        ({"source": "gone.bu"}, "gone.bu: No such file or directory"),
        ({"source": "a\0b"}, "source is no name of a file"),
        ({"content": CONFIG, "vars": "x: {"}, "vars is not JSON: write an object"),
        ({"content": CONFIG, "vars": "[1]"}, "vars is JSON, but not an object"),
        ({"content": CONFIG, "vars": "{" * 9, "secret_vars": "hunter2"}, "is not JSON"),
        ({"content": CONFIG, "snippets": "[1]"}, "snippets is JSON, but not a list of texts"),
        ({"content": CONFIG, "strict": "yes"}, "strict is 'yes': write true or false"),
        ({"content": CONFIG, "for": "mars"}, "there is no platform or consumer 'mars'"),
        ({"content": CONFIG, "secrets": "show"}, "secrets is 'show': write refuse or inline"),
        ({"content": CONFIG}, "error[var-missing]"),
        ({"content": "a: ["}, "error[yaml]"),
        ({"content": "\ud800"}, "error["),
    ],
)
def test_what_is_wrong_is_a_sentence_and_1(ask: Any, query: Any, said: str) -> None:
    status, answer, err = ask(query)
    assert (status, answer) == (1, None)
    assert said in err and "Traceback" not in err and "hunter2" not in err
