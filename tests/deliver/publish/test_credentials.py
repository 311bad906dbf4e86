"""Credentials that are missing or wrong: one sentence that says where they are looked for, without what they are, and nothing beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from butane_py.cli import publish as command

pytestmark = [pytest.mark.sockets, pytest.mark.subprocess]  # azure-core runs uname
for library in ("boto3", "azure.storage.blob", "google.cloud.storage"):
    pytest.importorskip(library)

NOWHERE = {
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.mark.parametrize(
    ("place", "environment", "says"),
    [
        ("s3://bucket/x", NOWHERE, "s3://bucket/x: no credentials for S3 were found. Set AWS_ACCESS_KEY_ID"),
        ("s3://bucket", {**NOWHERE, "AWS_PROFILE": "s3cr3t"}, "the configuration of the AWS tools cannot be used (ProfileNotFound)"),
        ("s3://bucket", {**NOWHERE, "AWS_ENDPOINT_URL": "s3cr3t"}, "the configuration of the AWS tools cannot be used (ValueError)"),
        ("az://account/c", {"AZURE_STORAGE_CONNECTION_STRING": "AccountName=other;AccountKey=s3cr3t"}, "az://account/c: AZURE_STORAGE_CONNECTION_STRING is for another"),
        ("az://account/c", {"AZURE_STORAGE_CONNECTION_STRING": "s3cr3t"}, "the credentials of the storage account cannot be read"),
        ("az://account/c", {"AZURE_STORAGE_KEY": "s3cr3t!"}, "Azure does not accept the credentials"),
        ("az://account/c/d", {"AZURE_TOKEN_CREDENTIALS": "AzureCliCredential"}, "az://account/c/d: Azure does not accept the credentials (without a response)"),
        ("gs://bucket/x", {"GOOGLE_APPLICATION_CREDENTIALS": "FILE"}, "gs://bucket/x: Google's credentials cannot be used (DefaultCredentialsError). Set"),
        ("gs://bucket/x", {"STORAGE_EMULATOR_HOST": "s3cr3t"}, "Check the network and STORAGE_EMULATOR_HOST"),
    ],
)  # fmt: skip
def test_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    place: str,
    environment: dict[str, str],
    says: str,
) -> None:
    (tmp_path / "credentials").write_text("s3cr3t")
    monkeypatch.setenv("PATH", str(tmp_path))  # no `az`, no `gcloud`
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_PROFILE",
        "AZURE_STORAGE_CONNECTION_STRING",
        "AZURE_STORAGE_KEY",
    ):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, str(tmp_path / "credentials") if value == "FILE" else value)
    assert command.run.run([place], "butane-py publish") == 1
    said = capsys.readouterr()
    assert says in said.err
    assert said.err.startswith("butane-py publish: ") and said.err.count("\n") == 1 and said.out == ""
    assert "s3cr3t" not in said.err
