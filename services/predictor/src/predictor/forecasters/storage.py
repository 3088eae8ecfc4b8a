"""A model as bytes and back: NumPy's archive of plain arrays, never a pickle. Pure.

Beside the arrays there is a description (JSON): the format, the version of NumPy that wrote it, the forecaster, horizon,
season, features and the names of the scores. Another format, or another major version of NumPy, is a :class:`StaleModel`
error, which a new training cures.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np

from predictor.forecasters.interface import Model

FORMAT = "forecaster-1"
"""Changes with the meaning of any array, and with what :mod:`.layout` looks at."""


class StaleModel(ValueError):
    """These bytes are no model that this version understands: train again."""


def dump(model: Model) -> bytes:
    """See :func:`load`."""
    about = {
        "format": FORMAT,
        "numpy": np.__version__,
        "forecaster": model.forecaster,
        "horizon": model.horizon,
        "season": model.season,
        "features": model.features,
        "score_names": model.score_names,
        "arrays": sorted(model.arrays),
    }
    out = io.BytesIO()
    arrays: dict[str, Any] = {f"array_{name}": array for name, array in model.arrays.items()}
    np.savez_compressed(out, about=np.array(json.dumps(about)), rows=model.rows, scores=model.scores, **arrays)
    return out.getvalue()


def load(data: bytes) -> Model:
    """Raises :class:`StaleModel`."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            about = json.loads(str(archive["about"]))
            if about["format"] != FORMAT or about["numpy"].split(".")[0] != np.__version__.split(".")[0]:
                raise StaleModel(f"a model of {about['format']}, NumPy {about['numpy']}; this is {FORMAT}, {np.__version__}")
            arrays = {name: archive[f"array_{name}"] for name in about["arrays"]}
            return Model(
                about["forecaster"],
                about["horizon"],
                about["season"],
                archive["rows"],
                tuple(about["features"]),
                tuple(about["score_names"]),
                archive["scores"],
                arrays,
            )
    except (OSError, KeyError, EOFError, ValueError, zipfile.BadZipFile) as error:
        if isinstance(error, StaleModel):
            raise
        raise StaleModel(f"these bytes are no stored model: {error}") from error
