"""In the evaluation room: what a training may be compiled with, and the settings that count.

Enters: nothing. Leaves: tables. Touches nothing; stdlib only, for both the judge and the evaluation
room read them. Nothing here names code: no function, module or path.
"""

from __future__ import annotations

import re


def _table(**kinds: str) -> dict[str, frozenset[str]]:
    return {name: frozenset(settings.split()) for name, settings in kinds.items()}


DECAY = "decay"  # of the textbooks' time: the rate is divided by 1 + decay * updates
_EVERY = f"learning_rate weight_decay clipnorm global_clipnorm clipvalue {DECAY}"
_ADAM = f"{_EVERY} beta_1 beta_2 epsilon"

OPTIMIZERS = _table(
    Adam=f"{_ADAM} amsgrad",
    AdamW=f"{_ADAM} amsgrad",
    Adamax=_ADAM,
    Nadam=_ADAM,
    Adadelta=f"{_EVERY} rho epsilon",
    Adagrad=f"{_EVERY} initial_accumulator_value epsilon",
    Ftrl=(
        f"{_EVERY} learning_rate_power initial_accumulator_value l1_regularization_strength "
        "l2_regularization_strength l2_shrinkage_regularization_strength beta"
    ),
    Lion=f"{_EVERY} beta_1 beta_2",
    RMSprop=f"{_EVERY} rho momentum epsilon centered",
    SGD=f"{_EVERY} momentum nesterov",
)

# Functions of the number of updates and of plain numbers, so that a name and numbers say it all.
SCHEDULES = _table(
    ExponentialDecay="initial_learning_rate decay_steps decay_rate staircase",
    InverseTimeDecay="initial_learning_rate decay_steps decay_rate staircase",
    PolynomialDecay="initial_learning_rate decay_steps end_learning_rate power cycle",
    CosineDecay="initial_learning_rate decay_steps alpha warmup_target warmup_steps",
    CosineDecayRestarts="initial_learning_rate first_decay_steps t_mul m_mul alpha",
    PiecewiseConstantDecay="boundaries values",
)

LOSSES = _table(
    MeanSquaredError="",
    MeanAbsoluteError="",
    MeanAbsolutePercentageError="",
    MeanSquaredLogarithmicError="",
    Huber="delta",
    LogCosh="",
    Poisson="",
    KLDivergence="",
    BinaryCrossentropy="from_logits label_smoothing",
    CategoricalCrossentropy="from_logits label_smoothing",
    SparseCategoricalCrossentropy="from_logits",
)

ACCURACY = "accuracy"  # whichever of three it is follows from the shapes, as in Keras
METRICS = {ACCURACY: frozenset[str]()} | _table(
    BinaryAccuracy="threshold",
    CategoricalAccuracy="",
    SparseCategoricalAccuracy="",
    TopKCategoricalAccuracy="k",
    SparseTopKCategoricalAccuracy="k",
    MeanSquaredError="",
    RootMeanSquaredError="",
    MeanAbsoluteError="",
    MeanAbsolutePercentageError="",
    MeanSquaredLogarithmicError="",
    BinaryCrossentropy="from_logits label_smoothing",
    CategoricalCrossentropy="from_logits label_smoothing",
    SparseCategoricalCrossentropy="from_logits",
    Precision="thresholds top_k class_id",
    Recall="thresholds top_k class_id",
    AUC="num_thresholds curve summation_method from_logits",
)

CALLBACKS = _table(
    EarlyStopping=(
        "monitor min_delta patience mode baseline restore_best_weights start_from_epoch"
    ),
    ReduceLROnPlateau="monitor factor patience mode min_delta cooldown min_lr",
    TerminateOnNaN="",
)

_SHORT = {
    "mse": "MeanSquaredError",
    "mae": "MeanAbsoluteError",
    "mape": "MeanAbsolutePercentageError",
    "msle": "MeanSquaredLogarithmicError",
    "bce": "BinaryCrossentropy",
    "kld": "KLDivergence",
    "acc": ACCURACY,
}


def named(name: str, table: dict[str, frozenset[str]]) -> str | None:
    """Give the class of a table that a name means, as Keras reads names; None where none is."""
    if name in table:
        return name
    short = _SHORT.get(name.lower()) if name in (name.lower(), name.upper()) else None
    found = short or {snake(one): one for one in table}.get(name)
    return found if found in table else None


def snake(name: str) -> str:
    """Write a class's name as Keras names its functions: ``mean_squared_error``."""
    split = re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name))
    return split.lower()
