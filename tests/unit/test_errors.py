"""The exceptions: each is also the built-in a user would catch."""

import pickle

import numpy as np
import pytest

import vicinal
from vicinal import errors


@pytest.mark.parametrize(
    ("name", "built_in"),
    [
        ("DimensionError", ValueError),
        ("InvalidVectorError", ValueError),
        ("DuplicateIdError", KeyError),
        ("UnknownIdError", KeyError),
        ("RecallError", RuntimeError),
        ("NotTunedError", RuntimeError),
        ("CorruptIndexError", ValueError),
        ("NotAnIndexError", ValueError),
        ("FormatTooNewError", ValueError),
        ("MismatchError", ValueError),
    ],
)
def test_every_error_is_ours_and_the_built_in(name: str, built_in: type[Exception]) -> None:
    error = getattr(vicinal, name)

    assert issubclass(error, vicinal.VicinalError)
    assert issubclass(error, built_in)
    assert getattr(errors, name) is error
    assert str(error("row 3 is odd")) == "row 3 is odd"
    assert str(pickle.loads(pickle.dumps(error("row 3 is odd")))) == "row 3 is odd"
    assert error.__doc__


def test_an_interruption_is_a_keyboard_interrupt_with_the_ids_that_are_in() -> None:
    interruption = vicinal.Interrupted(np.array([3, 4]))

    assert isinstance(interruption, KeyboardInterrupt)
    assert not isinstance(interruption, Exception)
    assert interruption.added.tolist() == [3, 4]
    assert "2 vectors are in" in str(interruption)
    assert pickle.loads(pickle.dumps(interruption)).added.tolist() == [3, 4]


def test_a_data_warning_is_a_user_warning() -> None:
    assert issubclass(vicinal.DataWarning, UserWarning)


def test_everything_public_is_exported() -> None:
    assert set(errors.__all__) <= set(vicinal.__all__)
    assert all(hasattr(vicinal, name) for name in vicinal.__all__)
