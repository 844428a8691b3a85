"""In the notebook's room: watches Keras models while cells run, and reports what it sees.

Enters: the shell and the kernel. Leaves: ``grader_evidence`` messages on iopub: a JSON content and
one npz buffer. Touches: ``keras.Model.fit``, ``train_on_batch``, ``Optimizer.apply`` and what
``keras.Sequential`` joins its layers by (wrapped), the shell's after-cell event.

Three events tell a model's story: ``fit_begin`` (configuration, weights before, a sample of the
data), ``fit_end`` (weights after, history) and ``seen`` (a model in the namespace whose weights or
layers changed otherwise, and how many updates of its weights no fit made; or layers over which
``Sequential`` raised an error). A model keeps its number for life, whatever variable holds it.
The probe never raises into student code: evidence that cannot be taken is missing, and says so.
"""

from __future__ import annotations

from typing import Any

from .fits import wrap_fit
from .loops import wrap_apply, wrap_train_on_batch
from .raised import watch_sequential
from .watching import Elsewhere, Probe

__all__ = ["Elsewhere", "install"]


def install(shell: Any, kernel: Any, elsewhere: Elsewhere | None = None) -> None:
    """Wrap what trains and watch the namespace; without Keras there is nothing to watch.

    ``elsewhere``: where a trainer trains; None: there is none.
    """
    try:
        import keras
    except ImportError:
        return  # the notebook's own import fails too, and says so
    probe = Probe(shell, kernel, keras, elsewhere)
    keras.Model.fit = wrap_fit(probe, keras.Model.fit)
    watch_sequential(probe, keras.Sequential)
    keras.Model.train_on_batch = wrap_train_on_batch(probe.loops, keras.Model.train_on_batch)
    keras.optimizers.Optimizer.apply = wrap_apply(probe.loops, keras.optimizers.Optimizer.apply)
    shell.events.register("post_run_cell", probe.after_cell)
