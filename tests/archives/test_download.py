"""Downloads against a real server on the loopback interface: broken off, gone on with, changed, refused."""

import hashlib
import multiprocessing
import re
import time
from types import SimpleNamespace

import pytest

from anomseer_core.archives.download import download, shown
from tests.archives.file_server import Served, serve

CONTENT = bytes(range(256)) * 40
DIGEST = hashlib.sha256(CONTENT).hexdigest()
AT_ONCE = ()


def left_in(folder):
    return sorted(path.suffix for path in folder.iterdir())


def test_a_file_arrives_whole_and_its_digest_is_checked(tmp_path):
    with serve(Served(CONTENT)) as served:
        path = download(served.url, tmp_path, sha256=DIGEST.upper())
    assert path.read_bytes() == CONTENT
    assert left_in(tmp_path) == [".part"]


def test_a_broken_transfer_goes_on_where_it_stopped_within_one_call(tmp_path):
    with serve(Served(CONTENT, cuts=[1000, 2000])) as served:
        path = download(served.url, tmp_path, sha256=DIGEST, pauses_seconds=(0, 0))
    assert path.read_bytes() == CONTENT
    assert served.asked == ["", "bytes=1000-", "bytes=3000-"]


def test_a_later_call_goes_on_where_an_earlier_one_stopped(tmp_path):
    with serve(Served(CONTENT, cuts=[4096])) as served:
        with pytest.raises(
            ValueError, match=r"connection broke \(4096 of 10240 bytes\); 4,096 bytes are there, run"
        ) as caught:
            download(served.url, tmp_path, pauses_seconds=AT_ONCE)
        assert "\n" not in str(caught.value)
        assert left_in(tmp_path) == [".json", ".part"]
        assert download(served.url, tmp_path, pauses_seconds=AT_ONCE).read_bytes() == CONTENT
    assert served.asked == ["", "bytes=4096-"]


def download_slowly(url, folder):
    download(url, folder, pauses_seconds=AT_ONCE)


def test_a_killed_process_leaves_what_the_next_one_goes_on_from(tmp_path):
    """The server stalls after a part of the file; the process is killed there."""
    with serve(Served(CONTENT, cuts=[4096], stalls=True)) as served:
        process = multiprocessing.get_context("spawn").Process(target=download_slowly, args=(served.url, tmp_path))
        process.start()
        deadline = time.monotonic() + 60
        while not any(path.stat().st_size for path in tmp_path.glob("*.part")) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert process.is_alive()
        process.kill()
        process.join()
        assert download(served.url, tmp_path, sha256=DIGEST, pauses_seconds=AT_ONCE).read_bytes() == CONTENT
    assert served.asked == ["", "bytes=4096-"]


def test_a_file_that_changed_meanwhile_is_fetched_anew(tmp_path):
    with serve(Served(CONTENT, cuts=[4096])) as served:
        with pytest.raises(ValueError, match="the connection broke"):
            download(served.url, tmp_path, pauses_seconds=AT_ONCE)
        served.content, served.etag = CONTENT[::-1], '"2"'
        assert download(served.url, tmp_path, pauses_seconds=AT_ONCE).read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("changes", [{"ranges": False}, {"etag": ""}, {"etag": 'W/"1"'}])
def test_without_ranges_or_a_validator_it_starts_again(tmp_path, changes):
    with serve(Served(CONTENT, cuts=[4096], **changes)) as served:
        assert download(served.url, tmp_path, pauses_seconds=(0,)).read_bytes() == CONTENT


def test_a_file_that_became_shorter_is_fetched_anew(tmp_path):
    with serve(Served(CONTENT, cuts=[4096])) as served:
        with pytest.raises(ValueError, match="the connection broke"):
            download(served.url, tmp_path, pauses_seconds=AT_ONCE)
        served.content = CONTENT[:100]
        assert download(served.url, tmp_path, pauses_seconds=(0,)).read_bytes() == CONTENT[:100]


def test_a_size_that_is_not_stated_is_taken_as_it_comes(tmp_path):
    with serve(Served(CONTENT, states_length=False)) as served:
        assert download(served.url, tmp_path).read_bytes() == CONTENT


def test_a_wrong_digest_is_refused_and_nothing_is_kept(tmp_path):
    with (
        serve(Served(CONTENT)) as served,
        pytest.raises(ValueError, match=f"its SHA-256 is {DIGEST}, not {'0' * 64}; nothing of it was kept"),
    ):
        download(served.url, tmp_path, sha256="0" * 64)
    assert left_in(tmp_path) == []


def test_a_passing_fault_of_the_server_is_waited_out_and_a_lasting_one_told(tmp_path):
    with serve(Served(CONTENT, statuses=[503, 429])) as served:
        assert download(served.url, tmp_path, pauses_seconds=(0, 0)).read_bytes() == CONTENT
        served.statuses = [404]
        with pytest.raises(ValueError, match="the server answered 404 Not Found; check the address"):
            download(served.url + "x", tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_server_that_is_not_there_is_told(tmp_path):
    with serve(Served(CONTENT)) as served:
        pass
    with pytest.raises(ValueError, match=r"the connection broke \(.*refused.*\); 0 bytes are there"):
        download(served.url, tmp_path, pauses_seconds=AT_ONCE)
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("url", ["ftp://host/a.zip", "file:///etc/passwd", "http:///a.zip", "https://"])
def test_other_addresses_are_refused(tmp_path, url):
    with pytest.raises(ValueError, match="only http and https addresses can be downloaded"):
        download(url, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_secrets_of_an_address_are_not_shown():
    assert shown("https://me:secret@host:8/a/b.zip?token=1#x") == "https://host:8/a/b.zip"


def test_progress_is_told_in_megabytes(tmp_path):
    calls = []
    with serve(Served(bytes(3 * 10**6))) as served:
        download(served.url, tmp_path, observer=SimpleNamespace(progress=lambda *call: calls.append(call)))
    assert calls[-1] == (3, 3, "MB")
    assert re.fullmatch(r"(0|1|2|3)+", "".join(str(done) for done, _, _ in calls))
