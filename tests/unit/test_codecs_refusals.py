"""What codes refuse, by name and before anything changes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vicinal
from vicinal import codecs


def drawn(n: int, dim: int = 16, seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: codecs.Recurrent(3), "bits is 3, expected one of 1, 2, 4, 8"),
        (lambda: codecs.Recurrent(True), "bits is True"),
        (lambda: codecs.Recurrent(4, metric="hamming"), "metric is 'hamming'"),
        (lambda: codecs.Recurrent(4, rotation="itq"), "rotation is 'itq'"),
        (lambda: codecs.Recurrent(4, rotation="none", code_dim=8), "code_dim is 8"),
        (lambda: codecs.Recurrent(4, seed=-1), "seed is -1"),
        (lambda: codecs.PQ(0), "pieces is 0"),
        (lambda: codecs.PQ(5).fit(drawn(300)), "expected a divisor of the 16 dimensions: 1, 2, 4, 8, 16"),
        (lambda: codecs.ITQ(17).fit(drawn(300)), "at most the 16 dimensions"),
        (lambda: codecs.Recurrent(1, code_dim=65).fit(drawn(300)), "at most 4 times the 16"),
        (lambda: codecs.Recurrent(4).fit(drawn(255)), "255 rows, expected at least 256"),
        (lambda: codecs.Recurrent(4).fit(drawn(300), threads=-1), "threads is -1"),
        (lambda: codecs.compare(drawn(300), drawn(9), [0]), "a budget is 0"),
        (lambda: codecs.compare(drawn(300), drawn(9), []), "budgets or queries are empty"),
        (lambda: codecs.compare(drawn(300), drawn(9), k=301), "k is 301"),
    ],
)
def test_a_setting_out_of_range_is_named(make: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        make()


def test_a_vector_that_has_no_distance_is_named_and_the_code_stays_as_it_was() -> None:
    vectors = drawn(300)
    code = codecs.Recurrent(4, metric="cosine").fit(vectors)
    before = code.signature
    for value, said in ((np.nan, "row 7 holds NaN"), (np.inf, "row 7 holds NaN or an infinity"), (0, "row 7 is zero")):
        bad = vectors.copy()
        bad[7] = value
        for call in (code.fit, code.encode, lambda rows: code.distances(rows, code.encode(vectors))):
            with pytest.raises(vicinal.InvalidVectorError, match=said):
                call(bad)
    with pytest.raises(vicinal.InvalidVectorError, match="row 0 holds a vector longer"):
        code.encode(np.full((1, 16), 1e30))

    assert code.signature == before


def test_an_unfitted_code_says_so() -> None:
    code = codecs.PQ(4)
    codes = codecs.Recurrent(4).fit(drawn(300)).encode(drawn(3))
    for call in (
        lambda: code.encode(drawn(3)),
        lambda: code.decode(codes),
        lambda: code.distances(drawn(3), codes),
        lambda: code.bytes_per_vector,
        lambda: code.signature,
        lambda: code.save("nowhere"),
        lambda: code.adopt(codes.rows),
        lambda: codecs.Compatible(code, drawn(200), drawn(200)),
    ):
        with pytest.raises(vicinal.NotTunedError, match="call fit"):
            call()


def test_codes_of_other_data_another_metric_or_another_kind_are_refused_by_name() -> None:
    vectors = drawn(300)
    code = codecs.Recurrent(4).fit(vectors)
    mine = code.encode(vectors)
    others = (
        codecs.Recurrent(4).fit(drawn(300, seed=6)),
        codecs.Recurrent(4, metric="cosine").fit(vectors),
        codecs.Recurrent(4, seed=1).fit(vectors),
        codecs.Recurrent(4).fit(drawn(300, 15)),
        codecs.PQ(4).fit(vectors),
    )
    for other in others:
        rows = drawn(300, other.dim or 0)
        theirs = other.encode(rows)
        for call in (
            lambda theirs=theirs: code.distances(vectors, theirs),
            lambda theirs=theirs: code.distances(theirs, mine),
            lambda theirs=theirs: code.decode(theirs),
        ):
            with pytest.raises(vicinal.MismatchError, match=f"made by {type(other).__name__}.*but this is Recurrent"):
                call()


def test_a_code_says_whether_it_suits_an_index() -> None:
    code = codecs.Recurrent(4).fit(drawn(300))

    code.check_same_space(16, "l2")

    with pytest.raises(vicinal.MismatchError, match="dim=17"):
        code.check_same_space(17, "l2")
    with pytest.raises(vicinal.MismatchError, match="metric='cosine'"):
        code.check_same_space(16, "cosine")


def test_the_wrong_shape_is_named() -> None:
    code = codecs.Recurrent(4).fit(drawn(300))
    codes = code.encode(drawn(3))

    with pytest.raises(vicinal.DimensionError, match=r"\(3, 17\), expected \(n, 16\)"):
        code.encode(drawn(3, 17))
    with pytest.raises(vicinal.DimensionError, match="uint8 of shape"):
        code.adopt(codes.rows[:, 1:])
    with pytest.raises(TypeError, match="expected Codes"):
        code.distances(drawn(3), codes.rows)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="by a slice"):
        codes[1]  # type: ignore[index]


def test_no_codes_and_no_queries_are_fine() -> None:
    vectors = drawn(300)
    for code in (codecs.Recurrent(4), codecs.PQ(4)):
        codes = code.fit(vectors).encode(vectors)

        assert code.distances(vectors[:0], codes).shape == (0, 300)
        assert code.distances(vectors[:2], codes[:0]).shape == (2, 0)
        assert code.distances(codes[:0], codes).shape == (0, 300)
        assert code.decode(codes[:0]).shape == (0, 16)
        assert len(code.encode(vectors[:0])) == 0


@pytest.mark.parametrize("code", [codecs.Recurrent(2), codecs.OPQ(4)], ids=["bits", "pieces"])
def test_a_damaged_file_is_refused_wherever_it_is_damaged(code: codecs.Code, tmp_path: Path) -> None:
    path = tmp_path / "a.code"
    code.fit(drawn(300)).save(path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    known = (vicinal.CorruptIndexError, vicinal.NotAnIndexError, vicinal.FormatTooNewError)

    for at in {0, 7, 8, 23, len(whole) - 1, *rng.integers(0, len(whole), 200).tolist()}:
        path.write_bytes(whole[:at])
        with pytest.raises(known):
            codecs.load(path)
        flipped = bytearray(whole)
        flipped[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(flipped))
        with pytest.raises(known):
            codecs.load(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(vicinal.CorruptIndexError, match="1 bytes follow"):
        codecs.load(path)


def test_a_file_whose_checksums_fit_and_whose_words_do_not_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.code"
    code = codecs.PQ(4).fit(drawn(300))
    about = {"kind": "PQ", "settings": code.settings(), "dim": 16}
    parts = {"_books": code._books}
    file = codecs.code._FILE
    file.write(path, about, parts)
    assert codecs.load(path).signature == code.signature

    for wrong, arrays in (
        ({**about, "kind": "Pickle"}, parts),
        ({**about, "dim": 20}, parts),
        ({**about, "dim": 15}, parts),
        ({**about, "dim": "16"}, parts),
        ({**about, "settings": {"pieces": 4, "trick": 1}}, parts),
        ({**about, "settings": {"pieces": 10**9}}, parts),
        ({"kind": "PQ"}, parts),
        (about, {}),
        (about, {"_books": code._books[:, :, :3]}),
        (about, {"_books": code._books.astype(np.float64)}),
        (about, {"_books": np.full_like(code._books, np.nan)}),
        (about, {**parts, "more": code._books}),
    ):
        file.write(path, wrong, arrays)
        with pytest.raises(vicinal.CorruptIndexError, match="is damaged"):
            codecs.load(path)


def test_a_file_of_something_else_is_refused_by_name(tmp_path: Path) -> None:
    vectors = drawn(300)
    code = codecs.Recurrent(4).fit(vectors)
    code.save(tmp_path / "a.code")
    code.encode(vectors).save(tmp_path / "a.rows")

    with pytest.raises(vicinal.MismatchError, match="holds Recurrent, expected PQ"):
        codecs.PQ.load(tmp_path / "a.code")
    with pytest.raises(vicinal.NotAnIndexError, match="holds no code"):
        codecs.load(tmp_path / "a.rows")
    with pytest.raises(vicinal.NotAnIndexError, match="holds no codes of vectors"):
        codecs.Codes.load(tmp_path / "a.code")
    with pytest.raises(FileNotFoundError):
        codecs.load(tmp_path / "none")


def test_rows_that_name_centroids_there_are_not_do_no_harm() -> None:
    vectors = drawn(300)
    for code in (codecs.PQ(4), codecs.OPQ(4)):
        code.fit(vectors)
        foreign = code.adopt(np.full((2, 4), 255, np.uint8))

        assert code.decode(foreign).shape == (2, 16)
        assert code.distances(vectors[:3], foreign).shape == (3, 2)
        assert code.distances(foreign, foreign).shape == (2, 2)
