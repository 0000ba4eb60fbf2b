"""What linear algebra does where factors are not unique, or are not there at all."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff as ad
from autodiff.errors import DomainError, ShapeError
from tests import differences
from tests.differences import assert_close

C = np.random.default_rng(0).normal(size=(3, 3))


def function_of_svd(x: ad.Tensor) -> ad.Tensor:
    u, s, vh = ad.linalg.svd(x)
    return np.sum((u * s**3) @ vh * C)


def function_of_eigh(x: ad.Tensor) -> ad.Tensor:
    w, v = ad.linalg.eigh(x)
    return np.sum((v * w**3) @ v.mT * C)


@pytest.mark.parametrize("f", [function_of_svd, function_of_eigh])
def test_functions_of_the_factors_of_close_values_lose_few_digits(f) -> None:
    x = np.diag([2.0, 2.0 + 1e-9, 1.0])
    third = lambda x: np.sum(x @ x.mT @ x * C)  # noqa: E731 - the same function, without factors
    expected = ad.grad(third)(x)
    if f is function_of_eigh:
        expected = np.tril(expected + expected.T) - np.diag(np.diag(expected))
    assert_close(ad.grad(f)(x), expected, 1e-5)


@pytest.mark.parametrize("f", [function_of_svd, function_of_eigh])
def test_factors_of_equal_values_are_refused_though_the_function_has_a_gradient(f) -> None:
    with pytest.raises(DomainError, match="turned at will"):
        ad.grad(f)(np.diag([2.0, 2.0, 1.0]))


@pytest.mark.parametrize("f", [ad.linalg.eigh, ad.linalg.svd])
def test_vectors_of_equal_values_have_no_gradient(f) -> None:
    with pytest.raises(DomainError, match="turned at will"):
        ad.grad(lambda x: np.sum(f(x)[1 if f is ad.linalg.eigh else 0] * C))(np.eye(3))


@pytest.mark.parametrize("f", [ad.linalg.eigh, ad.linalg.svd])
def test_their_tangents_are_nan_and_those_of_the_values_are_right(f) -> None:
    out, tangents = ad.jvp(f, (np.eye(3),), (np.diag([1.0, 2.0, 3.0]),))
    values = 0 if f is ad.linalg.eigh else 1
    assert_close(np.sum(tangents[values]), 6.0, 1e-12)
    assert np.isnan(tangents[1 - values]).any()
    assert len(out) == len(tangents)


def test_values_alone_have_a_gradient_where_they_are_equal() -> None:
    assert_close(ad.grad(lambda x: np.sum(ad.linalg.svdvals(x)))(np.eye(3)), np.eye(3), 1e-12)
    assert_close(ad.grad(lambda x: np.sum(ad.linalg.eigvalsh(x)))(np.eye(3)), np.eye(3), 1e-12)


def test_vectors_of_a_singular_value_of_zero_have_no_gradient() -> None:
    x = np.outer([1.0, 2.0, 3.0], [1.0, 2.0])
    with pytest.raises(DomainError, match="singular value of 0"):
        ad.grad(lambda x: np.sum(ad.linalg.svd(x, full_matrices=False)[0] * C[:, :2]))(x)


def test_vectors_that_full_matrices_adds_are_refused() -> None:
    with pytest.raises(DomainError, match="full_matrices=False"):
        ad.linalg.svd(np.ones((3, 2)))


def test_results_have_numpys_names() -> None:
    x = ad.Tensor(C @ C.T)
    assert_close(np.linalg.svd(x).S.data, np.linalg.svd(C @ C.T).S, 1e-12)
    assert_close(np.linalg.eigh(x).eigenvalues.data, np.linalg.eigh(C @ C.T).eigenvalues, 1e-12)
    assert_close(np.linalg.slogdet(x).logabsdet.data, np.linalg.slogdet(C @ C.T).logabsdet, 1e-12)


@pytest.mark.parametrize("name", ["inv", "solve", "cholesky"])
def test_a_matrix_without_inverse_is_named(name: str) -> None:
    args = (np.zeros((2, 2)), np.ones(2))[: 2 if name == "solve" else 1]
    with pytest.raises(np.linalg.LinAlgError, match=rf"linalg.{name}\(float64\(2, 2\)"):
        getattr(ad.linalg, name)(*args)


def test_what_is_not_square_is_named() -> None:
    with pytest.raises(ShapeError, match=r"linalg.det\(float64\(2, 3\)\)"):
        ad.linalg.det(np.ones((2, 3)))


def test_determinant_of_a_singular_matrix_has_third_derivatives_by_its_minors() -> None:
    x = np.outer([1.0, 2.0, 3.0], [1.0, 1.0, 2.0])
    hessian = ad.hessian(ad.linalg.det)(x)
    expected = differences.gradient(lambda x: np.sum(ad.grad(ad.linalg.det)(x) * C), [x])
    assert_close(np.tensordot(hessian, C, 2), expected[0], 1e-6)


def test_cholesky_of_the_symmetric_part_has_a_symmetric_gradient() -> None:
    def f(x: ad.Tensor) -> ad.Tensor:
        return np.sum(ad.linalg.cholesky((x + x.mT) / 2) * C)

    g = ad.grad(f)(C @ C.T + np.eye(3))
    assert_close(g, g.T, 1e-12)
    upper = ad.linalg.cholesky(C @ C.T + np.eye(3), upper=True)
    assert_close(upper.data, np.linalg.cholesky(C @ C.T + np.eye(3)).T, 1e-12)


def test_norm_of_unknown_order() -> None:
    for ord, axis in [("fro", 0), (3, (0, 1)), (2, (0, 1, 2))]:
        with pytest.raises((DomainError, ShapeError), match="norm"):
            ad.linalg.norm(np.ones((2, 2, 2)), ord, axis)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize("ord", [2, 3, 0.5, -1])
def test_norm_of_large_and_of_tiny_entries_neither_overflows_nor_vanishes(
    ord: float, dtype: type
) -> None:
    limits = np.finfo(dtype)
    x = np.array([3.0, 4.0], dtype)
    for factor in (dtype(limits.max / 64), dtype(limits.tiny)):
        norm = ad.value_and_grad(lambda x: ad.linalg.norm(x, ord))
        (value, slope), (same, its_slope) = norm(x), norm(x * factor)
        assert_close(same / factor, value, 10 * limits.eps)
        assert_close(its_slope, slope, 10 * limits.eps)


def test_norms_of_integers_are_floating() -> None:
    x = np.array([100, -100, 3], np.int8)
    for ord in (None, 1, 2, -1, 0, np.inf):
        expected = np.linalg.norm(x, ord)
        assert_close(ad.linalg.norm(x, ord).data, expected, 1e-12)
        assert ad.linalg.norm(x, ord).dtype == np.float64


def test_hessian_of_a_norm_of_zero_is_zero() -> None:
    assert_close(ad.hessian(ad.linalg.norm)(np.zeros(2)), np.zeros((2, 2)), 0)


def test_singular_value_of_zero_has_the_slope_of_absolute_both_ways() -> None:
    x, t = np.diag([2.0, 0.0]), np.ones((2, 2))
    assert_close(ad.jvp(ad.linalg.svdvals, (x,), (t,))[1], [1.0, 0.0], 1e-12)


def test_vectors_of_a_single_singular_value_of_zero_agree_both_ways() -> None:
    x, t = np.diag([2.0, 1.0, 0.0]), C
    out, tangents = ad.jvp(ad.linalg.svd, (x,), (t,))
    found = ad.vjp(ad.linalg.svd, x)[1]((C, np.zeros(3), C.T))
    assert_close(np.sum(tangents[0] * C) + np.sum(tangents[2] * C.T), np.sum(found[0] * t), 1e-12)
    assert len(out) == 3


def test_least_squares_and_pseudoinverses_with_a_cutoff_of_ones_own() -> None:
    x = np.diag([1.0, 1e-3, 1e-16])
    for rtol in (0.0, 1e-2, None):
        expected = np.linalg.pinv(x, rtol=rtol)
        assert_close(np.linalg.pinv(ad.Tensor(x), rtol=rtol).data, expected, 1e-12)
    stack, rtol = np.stack([x, x]), np.array([1e-2, 1e-4])
    expected = np.linalg.pinv(stack, rtol=rtol)
    assert_close(ad.linalg.pinv(stack, rtol=rtol).data, expected, 1e-12)
    singular, b = np.ones((3, 2)), np.arange(3.0)
    for a, rcond in [(singular, -1), (singular, 0.5), (x.astype(int), None)]:
        found, expected = ad.linalg.lstsq(a, b, rcond), np.linalg.lstsq(a, b, rcond)
        for f, e in zip(found, expected, strict=True):
            assert_close(getattr(f, "data", f), e, 1e-12)


def test_least_squares_of_many_rows_make_no_square_of_them() -> None:
    a, b = np.ones((200_000, 2)), np.arange(2e5)
    a[:, 1] = b / b.size
    g = ad.grad(lambda a: np.sum(ad.linalg.lstsq(a, b)[0]))(a)
    assert g.shape == a.shape


def test_condition_of_a_singular_matrix_is_infinite() -> None:
    assert ad.linalg.cond(np.diag([1.0, 0.0])).item() == np.inf


def test_multi_dot_takes_the_cheap_order() -> None:
    column, row = np.ones((200_000, 1)), np.ones((1, 200_000))
    out = ad.linalg.multi_dot([column, row, column])  # the other order would fill the memory
    assert_close(out.data, 200_000 * column, 1e-12)
    with pytest.raises(ShapeError, match="two matrices or more"):
        ad.linalg.multi_dot([column])
