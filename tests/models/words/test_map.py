"""Maps of words: the same ones for the same seed, a picture, and a page to search in."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import autodiff as ad
from models.words import Vectors, WordMap
from tests.draw.browser import Reader, browser

WORDS = ["the", "$5", "</script><b>", "日本", "R&D", "_a^b$", *(f"w{i}" for i in range(34))]
V = Vectors(WORDS, np.random.default_rng(0).normal(size=(40, 8)))


@pytest.mark.parametrize("method", ["tsne", "pca"])
def test_the_same_seed_makes_the_same_map(method: str) -> None:
    one, other = (WordMap(V, 30, method, seed=1) for _ in range(2))
    np.testing.assert_array_equal(one.points, other.points)
    assert one.html() == other.html()
    assert one.words == V.words[:30]
    assert (one.points.shape, one.points.min(), one.points.max()) == ((30, 2), 0, 1)


def test_tsne_keeps_neighbours_together() -> None:
    rng = np.random.default_rng(0)
    centres = 4 * rng.normal(size=(4, 10))
    vectors = Vectors(map(str, range(40)), np.repeat(centres, 10, 0) + rng.normal(size=(40, 10)))
    points = WordMap(vectors).points
    distances = np.linalg.norm(points[:, None] - points, axis=2) + 9 * np.eye(40)
    assert (distances.argmin(1) // 10 == np.arange(40) // 10).all()


def test_pca_shows_the_directions_of_largest_variance() -> None:
    points = WordMap(V, method="pca").points
    units = V.vectors / np.linalg.norm(V.vectors, axis=1, keepdims=True)
    _, axes = np.linalg.eigh(np.cov(units.T))
    expected = (units - units.mean(0)) @ axes[:, :-3:-1]
    ratio = (points - points.mean(0)) / expected
    np.testing.assert_allclose(np.abs(ratio), np.abs(ratio[0, 0]), rtol=1e-3)


def test_neighbours_are_the_most_similar_words() -> None:
    drawn = WordMap(V, method="pca")
    for word, near in zip(drawn.words, drawn.near):
        expected = V.most_similar(word)
        assert [drawn.words[i] for i, _ in near] == [other for other, _ in expected]
        np.testing.assert_allclose([c for _, c in near], [c for _, c in expected], atol=6e-4)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_few_words_have_a_map_too(n: int) -> None:
    assert np.isfinite(WordMap(V, n).points).all()


def test_a_picture_has_signs_of_all_kinds_in_it(tmp_path: Path) -> None:
    WordMap(V, method="pca").save(tmp_path / "map.png")
    assert (tmp_path / "map.png").read_bytes()[:4] == b"\x89PNG"


def test_half_a_character_has_a_place_on_the_map(tmp_path: Path) -> None:
    WordMap(Vectors(["\udcff", "\ud800a", "b"], np.eye(3))).save(tmp_path / "map.png")
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


def test_no_word_ends_the_data_of_the_page() -> None:
    page = WordMap(V, method="pca").html()
    (data,) = re.findall(r'type="application/json">(.*?)</script>', page, re.DOTALL)
    assert json.loads(data)["words"] == WORDS
    assert "http" not in page.replace("http-equiv", "")


def test_the_page_finds_a_word_and_those_near_it(tmp_path: Path) -> None:
    driver = browser()
    try:
        drawn = WordMap(V, method="pca")
        drawn.save(tmp_path / "map.html")
        Reader(driver, tmp_path / "map.html")
        search, info = (driver.find_element("id", name) for name in ("search", "info"))
        search.send_keys("THE")
        first, _, *found = info.text.splitlines()
        assert (first, found[::2]) == ("the", [drawn.words[i] for i, _ in drawn.near[0]])
        info.find_elements("tag name", "button")[0].click()
        assert info.text.splitlines()[0] == found[0]
        search.clear()
        search.send_keys("nowhere")
        assert driver.find_element("id", "missed").text == "no nowhere here"
        assert not driver.get_log("browser")
    finally:
        driver.quit()


def test_what_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ad.errors.DomainError, match="unknown method 'umap'; there is tsne, pca"):
        WordMap(V, method="umap")
    with pytest.raises(ad.errors.DomainError, match="2 words or more"):
        WordMap(V, 1)
    with pytest.raises(ad.errors.FormatError, match=r"ends in \.png or \.html"):
        WordMap(V, method="pca").save(tmp_path / "map.svg")
