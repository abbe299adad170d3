#!/bin/sh
# Install a requirements file with the right torch: setup.sh PYTHON REQUIREMENTS.
# On Linux without an NVIDIA GPU the CPU build (0.2 GB) is tried first and the pinned one (5 GB with CUDA) is the fallback.
set -eu
python=$1
requirements=$2
torch=$(sed -n 's/^torch==//p' requirements.txt)
pip="$python -m pip --disable-pip-version-check install --quiet"

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "setup: rkdiff needs Python 3.11 or newer, this is $("$python" --version); try: make PYTHON=python3.12 ..." >&2
  exit 1
fi

have() { "$python" -c "import importlib.metadata as m, sys; sys.exit(m.version('torch').split('+')[0] != '$torch')" 2>/dev/null; }

if ! have; then
  if [ "$(uname -s)" = Linux ] && ! command -v nvidia-smi >/dev/null 2>&1; then
    echo "setup: no NVIDIA GPU here, trying the CPU build of torch $torch"
    $pip "torch==$torch+cpu" 2>/dev/null \
      || { $pip uv && "$python" -m uv pip install --quiet --python "$python" --torch-backend cpu "torch==$torch"; } 2>/dev/null \
      || echo "setup: the CPU build is not to be had; taking the pinned one"
  fi
  have || $pip "torch==$torch"
fi
$pip -r "$requirements"
$pip --no-deps --editable .
