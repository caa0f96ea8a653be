from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

from benchmarks.tokens import Signer, make_key
from tests import harness


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_openssl_accepts_the_signature_of_a_token(tmp_path: Path) -> None:
    program = harness.need("openssl")
    certificate = make_key(tmp_path)
    rights = frozenset({("team/app", "push"), ("team/app", "pull"), ("other", "pull")})
    signed, _, signature = Signer.load(tmp_path).token(rights).rpartition(".")
    (tmp_path / "signature").write_bytes(_decoded(signature))
    public = subprocess.run([program, "x509", "-in", certificate, "-noout", "-pubkey"], capture_output=True, check=True)
    (tmp_path / "public.pem").write_bytes(public.stdout)
    verify = ("dgst", "-sha256", "-verify", tmp_path / "public.pem", "-signature", tmp_path / "signature")
    done = subprocess.run([program, *verify], input=signed.encode(), capture_output=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(_decoded(signed.partition(".")[2]))["access"] == [
        {"type": "repository", "name": "other", "actions": ["pull"]},
        {"type": "repository", "name": "team/app", "actions": ["pull", "push"]},
    ]
