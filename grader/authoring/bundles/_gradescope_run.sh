#!/usr/bin/env bash
# Run by Gradescope for every submission. Where rooms cannot be closed, or the grader fails, there is no
# score: Gradescope then reports the autograder as failed, and nobody gets a zero.
set -uo pipefail
autograder="${AUTOGRADER:-/autograder}"
environment="${GRADER_ENVIRONMENT:-/opt/grader}"
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

export GRADER_COURSE="$autograder/source"
export GRADER_SECRET_FILE="$autograder/source/course-secret"
export GRADESCOPE_METADATA="$autograder/submission_metadata.json"
export PYTHONSAFEPATH=1
cd "$place" || exit 3
code=0
"$environment/bin/grader" ci --platform=gradescope "--out=$place/grades" "--reports=$place/reports" \
  --isolation=reduced --fail-on=never --no-structure-first -- "$autograder/submission" || code=$?
mkdir -p "$autograder/results"
if [ -f "$place/reports/results.json" ]; then
  cp "$place/reports/results.json" "$autograder/results/results.json"
fi
exit "$code"
