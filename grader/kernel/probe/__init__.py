"""In the notebook's room: watches Keras models while cells run, and reports what it sees.

Enters: the shell and the kernel. Leaves: ``grader_evidence`` messages on iopub: a JSON content and
one npz buffer. Touches: ``keras.Model.fit`` (wrapped), the shell's after-cell event.

Three events tell a model's story: ``fit_begin`` (configuration, weights before, a sample of the
data), ``fit_end`` (weights after, history) and ``seen`` (a model in the namespace whose weights or
layers changed otherwise). A model keeps its number for life, whatever variable it is bound to.
The probe never raises into student code: evidence that cannot be taken is missing, and says so.
"""

from __future__ import annotations

from typing import Any

from .fits import wrap_fit
from .watching import Probe


def install(shell: Any, kernel: Any) -> None:
    """Wrap ``fit`` and watch the namespace; without Keras there is nothing to watch."""
    try:
        import keras
    except ImportError:
        return  # the notebook's own import fails too, and says so
    probe = Probe(shell, kernel, keras)
    keras.Model.fit = wrap_fit(probe, keras.Model.fit)
    shell.events.register("post_run_cell", probe.after_cell)
