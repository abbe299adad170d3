"""Runs are kept whole, byte for byte, or told apart as damaged."""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from rkdiff.core.parts import PartError, choices, digest, make
from rkdiff.experiment import Experiment, Run
from rkdiff.store import DamagedRun, MissingRun, Store, UnwritableStore
from rkdiff.store.arrays import pack, unpack

KEYS_THAT_ARE_NONE = [
    "",
    "..",
    "../../etc",
    "a/b",
    "0123456789abcdeg",
    "0123456789ABCDEF",
    "abc",
    "0" * 65,
    "0123456789abcdef\n",
    ".",
]


def a_run(seed=0, shift=0.0):
    e = Experiment(make("data", "two_moons", n=50), make("method", "exact"), particles=10, steps=3, seed=seed)
    x = np.random.default_rng(7).normal(size=(4, 10, 2)) + shift
    arrays = {
        "u": np.linspace(0, 1, 4),
        "x": x,
        "labels": np.arange(10) % 2,
        "transposed": x.T,
        "scalar": np.array(2.5),
        "empty": np.zeros((0, 2)),
        "valid": np.array([True, False]),
        "names": np.array(["a", "zweite"]),
        "half": x[0].astype(np.float16),
    }
    info = {"device": "cpu", "calls": 6, "quality": {"mmd": {"value": 0.1, "floor": float("nan")}}, "seconds": {"fit": 0.2}}
    return Run(e, arrays, info, {"weights": x[0], "transposed": x[0].T, "steps": np.array([3])})


def equal(a, b):
    return a.keys() == b.keys() and all(
        a[k].dtype == b[k].dtype and a[k].shape == b[k].shape and a[k].tobytes() == b[k].tobytes() for k in a
    )


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "runs")


@pytest.fixture
def kept(store):
    run = a_run()
    return store, store.save(run), run


def test_a_loaded_run_equals_the_one_saved(kept):
    store, key, run = kept
    back = store.load(key)
    assert key == run.experiment.key
    assert back.experiment == run.experiment
    assert equal(back.arrays, run.arrays)
    assert equal(back.model, run.model)
    assert json.dumps(back.info, sort_keys=True) == json.dumps(run.info, sort_keys=True)


def test_equal_runs_write_equal_bytes(tmp_path):
    folders = []
    for name in ("a", "b"):
        store = Store(tmp_path / name)
        folders.append(store.path(store.save(a_run())))
        time.sleep(0.01)
    for name in ("arrays.npz", "model.safetensors", "config.json"):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


def test_the_bytes_of_arrays_depend_on_names_and_values_alone():
    x = np.arange(12.0).reshape(3, 4)
    assert pack({"a": x, "b": x[:1]}) == pack({"b": x[:1].copy(order="F"), "a": np.asfortranarray(x)})
    assert pack({"a": x}) == pack({"a": x.astype(">f8")})
    assert pack({"a": x}) != pack({"a": -x})
    assert equal(unpack(pack({"a": x})), {"a": x})


def test_numpy_reads_the_arrays_without_us(kept):
    store, key, run = kept
    with np.load(store.path(key) / "arrays.npz", allow_pickle=False) as archive:
        assert equal({k: archive[k] for k in archive.files}, run.arrays)


def test_numpy_numbers_in_the_information_become_plain_numbers(store):
    run = a_run()
    run.info["quality"]["count"] = {"value": np.float64(0.5), "n": np.int64(3), "list": np.arange(2)}
    assert store.load(store.save(run)).info["quality"]["count"] == {"value": 0.5, "n": 3, "list": [0, 1]}


def test_python_objects_are_refused_before_anything_is_written(store):
    run = a_run()
    run.arrays["bad"] = np.array([{}, None], dtype=object)
    with pytest.raises(ValueError, match="array 'bad' holds Python objects"):
        store.save(run)
    assert list(store.root.iterdir()) == []


def test_the_list_is_newest_first(store, monkeypatch):
    keys = []
    for seed in range(3):
        monkeypatch.setattr(time, "time", lambda seed=seed: 1e9 + seed)
        keys.append(store.save(a_run(seed)))
    listed = store.list()
    assert [s.key for s in listed] == keys[::-1]
    assert [s.saved for s in listed] == [1e9 + 2, 1e9 + 1, 1e9]
    assert Experiment.from_dict(listed[0].experiment) == a_run(2).experiment
    assert listed[0].size == sum(f.stat().st_size for f in store.path(keys[2]).iterdir() if f.name != "run.json")


def test_an_absent_store_is_empty(tmp_path):
    store = Store(tmp_path / "nowhere")
    assert store.list() == ()
    assert store.damaged() == ()
    assert not store.has("0" * 16)
    assert not store.delete("0" * 16)
    with pytest.raises(MissingRun, match="no run 0000000000000000"):
        store.load("0" * 16)


def test_a_deleted_run_is_gone_and_the_others_stay(store):
    a, b = store.save(a_run(0)), store.save(a_run(1))
    assert store.delete(a)
    assert not store.has(a)
    assert [s.key for s in store.list()] == [b]
    assert sorted(f.name for f in store.root.iterdir()) == [b]


@pytest.mark.parametrize("key", KEYS_THAT_ARE_NONE)
@pytest.mark.parametrize("call", ["path", "has", "load", "delete"])
def test_a_key_never_leads_out_of_the_store(kept, call, key):
    with pytest.raises(ValueError, match="is not the key of a run"):
        getattr(kept[0], call)(key)


def test_the_same_run_again_changes_nothing(kept):
    store, key, run = kept
    before = (store.path(key) / "run.json").read_bytes()
    assert store.save(run) == key
    assert (store.path(key) / "run.json").read_bytes() == before


def test_a_different_run_of_the_same_experiment_takes_its_place(kept):
    store, key, _ = kept
    store.save(a_run(shift=1.0))
    assert equal(store.load(key).arrays, a_run(shift=1.0).arrays)
    assert [f.name for f in store.root.iterdir()] == [key]


def test_the_environment_names_the_store(tmp_path, monkeypatch):
    monkeypatch.setenv("RKDIFF_STORE", str(tmp_path / "there"))
    assert Store().root == tmp_path / "there"
    monkeypatch.delenv("RKDIFF_STORE")
    monkeypatch.chdir(tmp_path)
    assert Store().root == tmp_path / "runs"


def reindexed(folder, **changes):
    """Change a file and make the index agree, as somebody with a text editor and patience would."""
    index = json.loads((folder / "run.json").read_text())
    index.pop("digest")
    index |= changes
    for name in index["files"]:
        data = (folder / name).read_bytes()
        index["files"][name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / "run.json").write_text(json.dumps({**index, "digest": digest(index)}))


def flip(file, at):
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)


def with_pickle(folder):
    np.savez(folder / "arrays.npz", x=np.array([{"a": 1}], dtype=object))
    reindexed(folder)


def with_other_config(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "seed": 5}))
    reindexed(folder)


def with_single_array(folder):
    with (folder / "arrays.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    reindexed(folder)


def with_bad_member(folder):
    data = (folder / "arrays.npz").read_bytes()
    (folder / "arrays.npz").write_bytes(data[:-40])
    reindexed(folder)


def with_bad_model(folder):
    (folder / "model.safetensors").write_bytes(b"\xff" * 64)
    reindexed(folder)


def without(*names):
    """The index lacks an entry, and its digest agrees."""

    def harm(folder):
        index = json.loads((folder / "run.json").read_text())
        for name in (*names, "digest"):
            index.pop(name)
        (folder / "run.json").write_text(json.dumps({**index, "digest": digest(index)}))

    return harm


def with_a_pipe(folder):
    (folder / "run.json").unlink()
    os.mkfifo(folder / "run.json")


def with_a_loop(folder):
    shutil.rmtree(folder)
    folder.symlink_to(folder)


def with_a_looping_file(folder):
    (folder / "arrays.npz").unlink()
    (folder / "arrays.npz").symlink_to(folder / "arrays.npz")


def with_a_file_for_a_folder(folder):
    shutil.rmtree(folder)
    folder.write_text("no folder")


#: name -> (what happens to the folder, what is said, whether a look without reading the arrays notices)
DAMAGE = {
    "no index": (lambda f: (f / "run.json").unlink(), "run.json is missing", True),
    "no config": (lambda f: (f / "config.json").unlink(), "config.json is missing", True),
    "no arrays": (lambda f: (f / "arrays.npz").unlink(), "arrays.npz is missing", True),
    "no model": (lambda f: (f / "model.safetensors").unlink(), "model.safetensors is missing", True),
    "nothing": (lambda f: [g.unlink() for g in f.iterdir()], "run.json is missing", True),
    "arrays cut short": (lambda f: os.truncate(f / "arrays.npz", 500), "arrays.npz has 500 bytes instead", True),
    "model cut short": (lambda f: os.truncate(f / "model.safetensors", 9), "model.safetensors has 9 bytes", True),
    "a bit of the arrays": (lambda f: flip(f / "arrays.npz", 700), "arrays.npz was changed", False),
    "a bit of the model": (lambda f: flip(f / "model.safetensors", -1), "model.safetensors was changed", False),
    "a bit of the config": (lambda f: flip(f / "config.json", -4), "config.json was changed", True),
    "index cut short": (lambda f: os.truncate(f / "run.json", 60), "run.json is not valid JSON", True),
    "index no text": (lambda f: (f / "run.json").write_bytes(b"\xff\xfe\x00"), "run.json is not valid JSON", True),
    "index too deep": (lambda f: (f / "run.json").write_text("[" * 200_000), "run.json is not valid JSON", True),
    "index a list": (lambda f: (f / "run.json").write_text("[]"), "run.json is not a JSON object", True),
    "index empty": (lambda f: (f / "run.json").write_text("{}"), "format None, this program reads format 1", True),
    "a figure edited": (
        lambda f: (f / "run.json").write_text((f / "run.json").read_text().replace('"value": 0.1', '"value": 0.0')),
        "run.json was changed",
        True,
    ),
    "a newer format": (lambda f: reindexed(f, format=99), "format 99, this program reads format 1", True),
    "a pickle inside": (with_pickle, "arrays.npz cannot be read", False),
    "one array only": (with_single_array, "not an archive of arrays", False),
    "a broken archive": (with_bad_member, "arrays.npz cannot be read", False),
    "a broken model": (with_bad_model, "model.safetensors cannot be read", False),
    "another experiment": (with_other_config, "it holds another experiment", True),
    "a signed index without files": (without("files"), "run.json is incomplete", True),
    "a signed index without a time": (without("saved"), "run.json is incomplete", True),
    "a signed index without figures": (without("info"), "run.json is incomplete", True),
    "a time that is none": (lambda f: reindexed(f, saved="x"), "run.json is incomplete", True),
    "a time beyond all calendars": (lambda f: reindexed(f, saved=1e300), "run.json is incomplete", True),
    "a pipe": (with_a_pipe, "run.json is no ordinary file", True),
    "a link to itself": (with_a_loop, "run.json cannot be read", True),
    "a file linked to itself": (with_a_looping_file, "arrays.npz cannot be read", True),
    "a file in place of the folder": (with_a_file_for_a_folder, "run.json cannot be read", True),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_run_is_told_and_skipped(store, damage):
    key, whole = store.save(a_run(0)), store.save(a_run(1))
    harm, said, at_a_look = DAMAGE[damage]
    harm(store.path(key))
    with pytest.raises(DamagedRun, match=said) as caught:
        store.load(key)
    assert caught.value.key == key
    assert key in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (key in {d.key for d in store.damaged()}) == at_a_look
    assert (key in {s.key for s in store.list()}) != at_a_look
    assert not store.has(key), "what cannot be loaded is done again"
    assert store.has(whole)
    assert whole in {s.key for s in store.list()}
    store.load(whole)
    assert store.save(a_run(0)) == key
    assert equal(store.load(key).arrays, a_run(0).arrays)
    assert {f.name for f in store.root.iterdir()} == {key, whole}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_run_can_be_deleted(kept, damage):
    store, key, _ = kept
    DAMAGE[damage][0](store.path(key))
    assert store.delete(key)
    assert store.damaged() == ()
    assert list(store.root.iterdir()) == []


def rewritten(store, key, change):
    """The run as another version of the program would have kept it: another experiment's text, under the key of that text."""
    config = json.loads((store.path(key) / "config.json").read_text())
    change(config)
    folder = store.path(key).rename(store.root / digest(config))
    (folder / "config.json").write_text(json.dumps(config))
    reindexed(folder, key=folder.name)
    return folder.name


def test_a_run_from_before_a_knob_existed_is_read_with_its_default(kept):
    store, _, run = kept
    old = rewritten(store, kept[1], lambda c: (c.pop("repeats"), c["data"].pop("noise")))
    assert old != kept[1]
    assert store.has(old)
    assert store.damaged() == ()
    assert [s.key for s in store.list()] == [old]
    back = store.load(old)
    assert back.experiment == run.experiment
    assert equal(back.arrays, run.arrays)


FOREIGN = {
    "a newer meaning": (lambda c: c.update(meaning=99), "was made by another version: .* version 99"),
    "a part unknown here": (
        lambda c: c.update(method={"name": "telepathy"}),
        "was made by another version: there is no method named 'telepathy'",
    ),
    "an entry unknown here": (lambda c: c.update(speed=3), "was made by another version: .* no entry 'speed'"),
    "no data": (lambda c: c.update(data=None), "the stored run .*data"),
    "a list for a text": (lambda c: c.update(start=["sobol"]), r"was made by another version: Experiment.start is \['sobol'\]"),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_a_run_of_another_version_is_called_so_and_skipped(kept, case):
    store, key, run = kept
    change, said = FOREIGN[case]
    foreign = rewritten(store, key, change)
    assert store.save(run) == key
    with pytest.raises(DamagedRun, match=said):
        store.load(foreign)
    assert not store.has(foreign)
    assert [s.key for s in store.list()] == [key]
    assert [d.key for d in store.damaged()] == [foreign]


@pytest.mark.parametrize("name", choices("method"))
def test_the_text_of_an_experiment_has_the_digest_that_is_its_key(name):
    for data in choices("data"):
        with contextlib.suppress(PartError):
            e = Experiment(make("data", data), make("method", name))
            assert digest(json.loads(json.dumps(e.to_dict(), indent=1))) == e.key


@pytest.fixture(params=["a file", "below a file", "a loop"])
def no_folder(request, tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    return Store(
        {"a file": tmp_path / "file", "below a file": tmp_path / "file" / "x", "a loop": tmp_path / "loop"}[request.param]
    )


def test_a_store_that_is_no_folder_is_empty_and_says_so_when_it_should_keep(no_folder):
    key = a_run().experiment.key
    assert no_folder.list() == no_folder.damaged() == ()
    assert not no_folder.has(key)
    assert not no_folder.delete(key)
    with pytest.raises(MissingRun):
        no_folder.load(key)
    for ask in (no_folder.check_writable, lambda: no_folder.save(a_run())):
        with pytest.raises(
            UnwritableStore, match=f"runs cannot be kept in {no_folder.root}: it is not a folder; choose another"
        ):
            ask()


WHY = {errno.ENOSPC: "the disk is full", errno.EROFS: "it can only be read", errno.EACCES: "permission is denied"}


@pytest.mark.parametrize("number", WHY)
def test_a_store_that_cannot_keep_says_why_in_plain_words(store, monkeypatch, number):
    def refuse(fd):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    for ask in (store.check_writable, lambda: store.save(a_run())):
        with pytest.raises(UnwritableStore, match=WHY[number]) as caught:
            ask()
        assert "Errno" not in str(caught.value)
    assert list(store.root.iterdir()) == []


def test_a_limit_on_the_size_of_files_is_noticed_before_the_work(store):
    code = "import resource; from rkdiff.store import Store; resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000)); "
    code += f"Store({str(store.root)!r}).check_writable()"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr
    assert "files there may not become large enough" in said
    assert list(store.root.iterdir()) == []


def test_asking_whether_runs_can_be_kept_leaves_nothing_behind(store):
    store.check_writable()
    assert list(store.root.iterdir()) == []


def test_strangers_in_the_folder_are_left_alone(kept):
    store, key, _ = kept
    (store.root / "notes.txt").write_text("mine")
    (store.root / "0123456789abcdef").write_text("a file, no folder")
    (store.root / ".logs").mkdir()
    assert [s.key for s in store.list()] == [key]
    store.save(a_run(1))
    assert (store.root / "notes.txt").read_text() == "mine"


KILLED_IN_THE_MIDDLE = """
import os, sys
sys.path.insert(0, {here!r})
from test_store import Store, a_run
count = 0
def fsync(fd):
    global count
    count += 1
    if count == {at}:
        os._exit(9)
os.fsync = fsync
Store({root!r}).save(a_run())
"""


@pytest.mark.parametrize("at", [1, 3, 4])
def test_a_crash_while_saving_leaves_no_run_and_the_leftovers_are_swept(store, at):
    code = KILLED_IN_THE_MIDDLE.format(here=os.path.dirname(__file__), at=at, root=str(store.root))  # noqa: PTH120
    assert subprocess.run([sys.executable, "-c", code]).returncode == 9
    (leftover,) = store.root.iterdir()
    assert store.list() == store.damaged() == ()
    store.save(a_run(1))
    assert leftover.exists(), "another process may still be writing there"
    os.utime(leftover, (1, 1))
    key = store.save(a_run())
    assert not leftover.exists()
    assert store.has(key)


def test_a_run_that_was_moved_aside_comes_back_when_its_successor_is_lost(kept):
    store, key, run = kept
    aside = store.root / f".aside-{key}-0123456789abcdef"
    store.path(key).rename(aside)
    os.utime(aside, (1, 1))
    store.save(a_run(1))
    assert equal(store.load(key).arrays, run.arrays)
    assert not aside.exists()


def test_many_may_save_and_read_the_same_key_at_once(store):
    """Writers alternate between two different runs of one experiment; a reader sees one of them, whole, every time."""
    variants = [a_run(shift=0.0), a_run(shift=1.0)]
    key = store.save(variants[0])
    problems, stop = [], threading.Event()

    def write(offset):
        try:
            for i in range(12):
                Store(store.root).save(variants[(i + offset) % 2])
        except Exception as error:  # noqa: BLE001
            problems.append(error)

    def read():
        seen = 0
        while not stop.is_set():
            try:
                back = Store(store.root).load(key)
            except MissingRun:
                continue  # between two renames
            except Exception as error:  # noqa: BLE001
                problems.append(error)
                return
            seen += 1
            if not any(equal(back.arrays, v.arrays) for v in variants):
                problems.append("a mixture")
        assert seen

    writers = [threading.Thread(target=write, args=(k,)) for k in range(3)]
    reader = threading.Thread(target=read)
    for t in (*writers, reader):
        t.start()
    for t in writers:
        t.join()
    stop.set()
    reader.join()
    assert problems == []
    assert [f.name for f in store.root.iterdir()] == [key]


def test_two_processes_save_the_same_run_at_once(store):
    code = f"import sys; sys.path.insert(0, {os.path.dirname(__file__)!r}); from test_store import Store, a_run; "  # noqa: PTH120
    code += f"[Store({str(store.root)!r}).save(a_run()) for _ in range(10)]"
    both = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [p.wait() for p in both] == [0, 0]
    (summary,) = store.list()
    assert equal(store.load(summary.key).arrays, a_run().arrays)
    assert [f.name for f in store.root.iterdir()] == [summary.key]


def test_reading_needs_no_torch(kept):
    store, key, _ = kept
    code = f"import sys; from rkdiff.store import Store; Store({str(store.root)!r}).load({key!r}); "
    code += "print({'torch', 'sklearn', 'scipy', 'ot'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "set()"


def test_whatever_an_experiment_s_text_makes_go_wrong_is_damage(kept, monkeypatch):
    def from_dict(value):
        raise TypeError("a part is missing")

    store, key, _ = kept
    monkeypatch.setattr(Experiment, "from_dict", from_dict)
    assert store.list() == ()
    with pytest.raises(DamagedRun, match=r"is damaged: config.json is no experiment \(a part is missing\)"):
        store.load(key)
