"""What one run of a notebook may leave behind, in one place; docs/limits.md lists it.

Enters: nothing. Leaves: numbers. Touches nothing. The probe shortens what is long where it arises,
the driver keeps within ``DRIVER_CAPS``, the judge reads no more than that and holds no more than
``KEPT_BYTES``: each trusts only itself.
"""

from __future__ import annotations

# --- events of the probe ---------------------------------------------------------------------

EVENTS = 2000
CONTENT_BYTES = 2_000_000  # of one event's JSON
TOTAL_CONTENT_BYTES = 16_000_000
EVENT_BYTES = 80_000_000  # weights of 64 MB and four samples of 4 MB
TOTAL_BYTES = 400_000_000  # of all events' arrays while they wait to be read
ARRAYS = 100_000  # of all events: one without content takes as long to read as one of some kB
VALUES = 50_000  # in one event's JSON; parsed, each takes up to a hundred bytes
MOST_LEVELS = 200  # of JSON in JSON: twenty models in each other take 120, writing ends at 255
EPOCHS = 20_000  # of one metric's history
METRICS = 100  # of one fit
SETTINGS = 100  # of one compile or fit
LONGEST_TEXT = 200
AXES = 8
NAMES = 50  # variables that hold the same model
OTHER_FORMS = 31  # of the rows that a fit was given, where batches have several lengths
LARGEST_NUMBER = 2**53  # whole numbers up to here survive any JSON reader

# --- what of them is held in memory, and kept --------------------------------------------------

KEPT_BYTES = 160_000_000  # of one run: the largest model before and after training, and its data
ARRAY_BYTES = 8000  # that an array counts at least: twenty thousand are kept at most
VALUE_BYTES = 100
NUMBER_BYTES = 32  # of a history
MOST_JUMPS = 4  # weights that are kept once more for each

# --- rows that a fit shows which the notebook trained itself ------------------------------------

SHOWN_OF_FIT = 8_000_000  # inputs and targets together
SHOWN_OF_FORM = 32_000_000  # of all rows with the same shapes and types
SHOWN_OF_RUN = 128_000_000

# --- trainings that are asked for -------------------------------------------------------------

ORDERS = 200  # of one run
CLAIMED = 1000  # reasons of cells whose fits the notebook trained itself
WHY_TEXT = 200  # characters
ORDER_TEXT_BYTES = 1_000_000  # of an order without its arrays
ORDER_BYTES = 100_000_000  # of its arrays, in their own types and as they are trained on
ORDER_ARRAYS = 8
ANSWER_BYTES = 300_000_000  # weights, an optimizer's three of each, weights of every epoch
HEAD_BYTES = 3000  # of what the driver says about one

# --- the transcript --------------------------------------------------------------------------

CELL_TEXT = 100_000  # characters
NOTEBOOK_TEXT = 2_000_000
ERROR_TEXT = 1_000_000  # of all that cells raised: a hundred whole tracebacks
IMAGES = 30
IMAGE_BYTES = 2_000_000
IMAGES_BYTES = 8_000_000
# Text at six bytes a character, which only control characters take, images, and 50,000 cells.
TRANSCRIPT_BYTES = 6 * (NOTEBOOK_TEXT + ERROR_TEXT) + IMAGES_BYTES + 10_000_000
LINE_BYTES = 10_000_000
LINE_VALUES = 10_000
MOST_LEFT_OUT = 1000  # statements of a cell
MOST_REMARKS = 1000  # about a cell

# What the driver is told to write down of one notebook at most: what is read here, and no more.
DRIVER_CAPS = {
    "cell_text": CELL_TEXT,
    "notebook_text": NOTEBOOK_TEXT,
    "error_text": ERROR_TEXT,
    "images": IMAGES,
    "image_bytes": IMAGE_BYTES,
    "images_bytes": IMAGES_BYTES,
    "events": EVENTS,
    "content_bytes": CONTENT_BYTES,
    "contents_bytes": TOTAL_CONTENT_BYTES,
    "event_bytes": EVENT_BYTES,
    "evidence_bytes": TOTAL_BYTES,
    "message_bytes": 130_000_000,  # as it arrives, beyond which zmq hangs up
}

# What the notebook's room is told: no fit takes more than half of what is left.
SHOWN_CAPS = {"of_fit": SHOWN_OF_FIT, "of_form": SHOWN_OF_FORM, "of_run": SHOWN_OF_RUN}

ORDER_CAPS = {
    "orders": ORDERS,
    "claimed": CLAIMED,
    "why_text": WHY_TEXT,
    "text_bytes": ORDER_TEXT_BYTES,
    # As an npz file, each array with its name and its shape.
    "array_bytes": ORDER_BYTES + ORDER_ARRAYS * 4096,
}
