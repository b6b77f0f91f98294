"""The uploader's modules that need no server, each in the browser that runs them."""

import hashlib
import json
import unicodedata
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.contract.chunk_sources import make
from tests.web.conftest import both_origins

GOLDEN = json.loads((Path(__file__).parents[2] / "contract" / "golden" / "chunker.json").read_text(encoding="utf-8"))
LIMITS = {"name_size": 255, "path_size": 4096, "depth": 128}
CHUNKER = {"min_size": 2**18, "average_size": 2**20, "max_size": 2**22}
MAKE = """
const make = ({source, size, seed}) => {
  const words = new Uint32Array(Math.ceil(size / 4));
  if (source !== "zeros") {
    let state = seed | 0;
    for (let at = 0; at < words.length; at += 1) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      words[at] = state;
    }
  }
  const bytes = new Uint8Array(words.buffer, 0, size);
  return source === "text" ? bytes.map((byte) => 97 + (byte % 8)) : bytes;
};
"""
IN_WORKER = """
const cutInWorker = (url, file, cut, from = 0) => new Promise((resolve, reject) => {
  const worker = new Worker(url, {type: "module"});
  const chunks = [];
  let ready = null;
  worker.onerror = reject;
  worker.onmessage = ({data}) => {
    if (data.kind === "ready") ready = data;
    if (data.error) reject(new Error(data.error.message));
    if (!data.chunks) return;
    chunks.push(...data.chunks.map(({offset, size, sha256}) => [offset, size, sha256]));
    if (data.done) {
      worker.terminate();
      resolve({chunks, hasher: ready.hasher, scanner: ready.scanner});
    }
  };
  worker.postMessage({kind: "cut", id: 1, file, cut, from});
});
"""


def run(page: Page, body: str, value: object = None) -> Any:
    """Run `body`, which has `load(module)` for a module of the uploader, `base` for their URL, and `value`."""
    script = """async (value) => {
      const base = document.querySelector('script[type=module]').src.replace(/js\\/.*/, "js/upload/");
      const load = (name) => import(base + name);
    """
    return page.evaluate(f"{script} {MAKE} {IN_WORKER} {body} }}", value)


@both_origins
def test_the_worker_cuts_and_hashes_as_the_golden_file_says(visitor: Page, origin: str) -> None:
    body = """
    const url = base + "hash_worker.js";
    const found = [];
    for (const one of value) found.push(await cutInWorker(url, new File([make(one)], "a"), one));
    return found;
    """

    found = run(visitor, body, GOLDEN["cases"])

    for case, got in zip(GOLDEN["cases"], found, strict=True):
        assert [size for _, size, _ in got["chunks"]] == case["lengths"], case["name"]
        assert (got["hasher"], got["scanner"]) == ("subtle" if "127" in origin else "wasm", "wasm")
        if len(case["lengths"]) == 1:
            assert got["chunks"][0][2] == case["sha256"]


def test_plain_javascript_cuts_as_the_golden_file_says(visitor: Page) -> None:
    body = """
    const {Cutting} = await load("chunker.js");
    const {plainScanner} = await load("scan_plain.js");
    const scanner = plainScanner();
    const step = 5_000_001; // the pieces in which the bytes come do not count
    return value.map((one) => {
      const cutting = new Cutting(scanner, one);
      const bytes = make(one);
      const lengths = [];
      for (let at = 0; at < bytes.length; at += step) {
        cutting.push(bytes.subarray(at, at + step));
        for (const {size} of cutting.chunks(at + step >= bytes.length)) lengths.push(size);
      }
      return lengths;
    });
    """

    assert run(visitor, body, GOLDEN["cases"]) == [case["lengths"] for case in GOLDEN["cases"]]


def test_cutting_goes_on_from_the_beginning_of_a_chunk(visitor: Page) -> None:
    case = next(case for case in GOLDEN["cases"] if case["name"] == "several chunks")
    body = """
    const file = new File([make(value)], "a");
    const whole = (await cutInWorker(base + "hash_worker.js", file, value)).chunks;
    const rest = (await cutInWorker(base + "hash_worker.js", file, value, whole[3][0])).chunks;
    return [whole.slice(3), rest];
    """

    whole, rest = run(visitor, body, case)

    assert rest == whole


def test_a_large_file_is_cut_as_the_sync_client_cuts_it(visitor: Page) -> None:
    body = """
    const {cutFor} = await load("chunker.js");
    return [1, 2 ** 36, 2 ** 36 + 1, 2 ** 37 + 1, 2 ** 38 + 1].map((size) => cutFor(size, value, 262144));
    """

    cuts = [tuple(cut.values()) for cut in run(visitor, body, CHUNKER)]

    mib = 2**20
    assert cuts == [
        (mib // 4, mib, 4 * mib),
        (mib // 4, mib, 4 * mib),
        (mib // 2, 2 * mib, 8 * mib),
        (mib, 4 * mib, 8 * mib),
        (8 * mib, 8 * mib, 8 * mib),
    ]


def test_every_engine_hashes_alike(visitor: Page) -> None:
    sizes = [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 100_001]
    body = """
    const {plainHasher, subtleHasher, toHex} = await load("hasher.js");
    const hash = async (hasher, size) => toHex(await hasher.digest(make({source: "xorshift32", seed: 7, size})));
    const all = (hasher) => Promise.all(value.map((size) => hash(hasher, size)));
    return Promise.all([all(plainHasher()), all(subtleHasher())]);
    """

    found = run(visitor, body, sizes)

    assert found == [[hashlib.sha256(make("xorshift32", size, 7)).hexdigest() for size in sizes]] * 2


def test_a_bundle_is_frames_of_hash_length_and_bytes(visitor: Page) -> None:
    body = """
    const {bundleOf, bodiesOf} = await load("frames.js");
    const chunks = value.map(([sha256, text]) => ({sha256, size: text.length, body: new Blob([text])}));
    const bytes = new Uint8Array(await bundleOf(chunks).arrayBuffer());
    const split = (limit, most) => [...bodiesOf(chunks, limit, most)].map((body) => body.length);
    return [[...bytes], split(1e6, 100), split(1e6, 2), split(80, 100), split(1, 100)];
    """
    texts = ["a", "bc", ""]
    hashes = [hashlib.sha256(text.encode()) for text in texts]

    bundle, *splits = run(visitor, body, [[one.hexdigest(), text] for one, text in zip(hashes, texts, strict=True)])

    assert bytes(bundle) == b"".join(
        one.digest() + len(text).to_bytes(4, "big") + text.encode() for one, text in zip(hashes, texts, strict=True)
    )
    assert splits == [[3], [2, 1], [2, 1], [1, 1, 1]]


NAMES = {
    "a/b.txt": "a/b.txt",
    "Cafe\u0301/x": "Caf\u00e9/x",
    "a\nb.txt": "a_b.txt",
    "..": "___",
    "a/./b": "a/__/b",
    "\U0001f600.png": "\U0001f600.png",
    "ä" * 128 + ".gz": "ä" * 126 + ".gz",
    "x" * 300: "x" * 255,
}


def test_a_name_that_cannot_be_gets_a_proposal_that_can(visitor: Page) -> None:
    body = """
    const {checkPath} = await load("names.js");
    return [...value.paths, "\\ud800x"].map((path) => checkPath(path, value.limits));
    """

    found = run(visitor, body, {"limits": LIMITS, "paths": list(NAMES)})

    assert [one["path"] for one in found] == [*NAMES.values(), "_x"]
    assert [one["isFine"] for one in found] == [
        *(proposed == unicodedata.normalize("NFC", path) for path, proposed in NAMES.items()),
        False,
    ]


FAILURES = [  # status, seconds said by the server, tries; what is done, and the least and most seconds that are waited
    (0, 0, 1, "unreachable", 0.5, 1.5),
    (0, 0, 3, "unreachable", 2, 6),
    (0, 0, 50, "unreachable", 15, 45),
    (500, 0, 2, "wait", 1, 3),
    (502, 0, 1, "unreachable", 0.5, 1.5),
    (408, 0, 1, "wait", 0.5, 1.5),
    (429, 7, 1, "wait", 7, 8),
    (503, 0, 1, "wait", 0.5, 1.5),
    (401, 0, 1, "sign_in", 0, 0),
    (413, 0, 1, "smaller", 0, 0),
    (507, 0, 1, "full", 0, 0),
    (403, 0, 1, "fail", 0, 0),
    (409, 0, 1, "fail", 0, 0),
]


def test_a_failure_is_waited_out_or_told(visitor: Page) -> None:
    body = """
    const {judge} = await load("patience.js");
    return value.map(([status, retryAfter, tries]) =>
      [0, 1].map((chance) => judge({status, retryAfter, code: "any"}, tries, () => chance)));
    """

    found = run(visitor, body, [failure[:3] for failure in FAILURES])

    assert [(low["act"], low.get("seconds", 0), high["act"], high.get("seconds", 0)) for low, high in found] == [
        (act, least, act, most) for *_, act, least, most in FAILURES
    ]


def test_time_left_is_told_once_the_rate_is_steady(visitor: Page) -> None:
    body = """
    const {Rate} = await load("rate.js");
    const rate = new Rate();
    const told = [];
    for (let second = 0; second <= 6; second += 1) {
      rate.note(second * 1000, second * 1000);
      told.push(rate.secondsFor(5000, second * 1000));
    }
    rate.note(26_000, 7000);
    return [told, rate.secondsFor(5000, 7000)];
    """

    told, after_a_jump = run(visitor, body)

    assert told == [None, None, None, None, None, 5, 5]
    assert after_a_jump is None


def test_bodies_grow_on_a_fast_link_and_shrink_on_a_slow_one(visitor: Page) -> None:
    body = """
    const {Sizes} = await load("sizes.js");
    const sizes = new Sizes(value);
    const told = [sizes.body];
    for (const seconds of [0.1, 0.1, 0.1, 9, 2, 9, 9, 9, 9, 9]) {
      sizes.took(sizes.body, seconds);
      told.push(sizes.body);
    }
    for (let tries = 0; tries < 9; tries += 1) sizes.took(sizes.body, 0.1);
    sizes.refused(5_000_000);
    for (let tries = 0; tries < 9; tries += 1) sizes.took(sizes.body, 0.1);
    return [told.map((bytes) => bytes / 2 ** 20), sizes.body];
    """

    told, after_a_refusal = run(visitor, body, 32 * 2**20)

    assert told == [4, 8, 16, 16, 8, 8, 4, 2, 1, 1, 1]
    assert after_a_refusal == 2_500_000


def test_files_chosen_again_are_found_by_path_or_name_and_size_and_time(visitor: Page) -> None:
    body = """
    const {Search} = await load("search.js");
    const record = (path, mtimeMs, batch = "b") => ({batch, folder: "/in", path, size: 5, mtimeMs});
    const search = new Search([record("Trip/a.jpg", 1), record("Trip/b.jpg", 1), record("c.jpg", 1, "d")]);
    const found = (path, mtimeMs, size = 5) => ({path, size, mtimeMs, file: null});
    search.look([found("Trip/a.jpg", 1), found("Trip/a.jpg", 1), found("b.jpg", 1)]);
    search.look([found("c.jpg", 2), found("c.jpg", 1, 6)]);
    return [search.count, [...search.found].map(([id, {folder, files}]) => [id, folder, files.map(({path}) => path)])];
    """

    assert run(visitor, body) == [2, [["b", "/in", ["Trip/a.jpg", "Trip/b.jpg"]]]]
