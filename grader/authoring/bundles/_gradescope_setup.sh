#!/usr/bin/env bash
# Run once by Gradescope, as root, while it builds the image. Choose a base image with Python 3.11 or
# newer (Ubuntu 24.04).
set -euo pipefail
autograder="${AUTOGRADER:-/autograder}"
environment="${GRADER_ENVIRONMENT:-/opt/grader}"

apt-get update -qq
apt-get install -y -qq --no-install-recommends bubblewrap git python3 python3-venv
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "Python 3.11 or newer is needed. Choose Ubuntu 24.04 as base image." >&2
  exit 1
fi
python3 -m venv "$environment"
cd /
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir \
  --require-hashes -r "$autograder/source/requirements/ci.txt"
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir \
  --no-deps --no-build-isolation "$autograder/source"
# One secret for all submissions, so that everybody's hidden data are the same.
GRADER_SECRET_FILE="$autograder/source/course-secret" \
  "$environment/bin/python" -c 'from grader.seeds import course_secret; course_secret()'
