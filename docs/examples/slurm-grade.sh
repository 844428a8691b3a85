#!/bin/sh
# Grades a class on a Slurm cluster: an array of parts, and a job that joins them.
#
#   sh slurm-grade.sh SUBMISSIONS OUT PARTS [options of grader grade]
#
# All nodes need the same folders and, in GRADER_COURSE and GRADER_SECRET_FILE, the same course and
# the same secret: keep the secret where only you can read it. A part that was cut off is simply
# given again with the same three values: what is graded already is not run again.
set -eu
if [ "$#" -lt 3 ]; then
  echo "usage: slurm-grade.sh SUBMISSIONS OUT PARTS [options of grader grade]" >&2
  exit 2
fi
submissions=$1 out=$2 parts=$3
shift 3
here=$(cd "$(dirname "$0")" && pwd)
: "${GRADER_COURSE:?says where the course is}" "${GRADER_SECRET_FILE:?says where its secret is}"
mkdir -p "$out.parts"
# --requeue: a node that fails costs its part only what it was in the middle of.
array=$(sbatch --parsable --requeue --array="1-$parts" \
  "$here/slurm-part.sbatch" "$submissions" "$out.parts" "$parts" "$@")
# afterany: what could be graded is joined, whatever became of the others.
sbatch --parsable --dependency="afterany:${array%%;*}" \
  "$here/slurm-merge.sbatch" "$out.parts" "$out" "$parts"
