#!/usr/bin/env bash
# Builds a copy of the workspace with colcon on top of .venv, as a ROS 2 machine would, and looks
# for what ament and launch need: markers, executables, shared files, importable packages.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
work=$root/build/colcon
mkdir -p "$work"

if ! cmp -s requirements-colcon.txt "$work/tools/requirements"; then
  rm -rf "$work/tools"
  python3 -m venv "$work/tools"
  "$work/tools/bin/pip" install --quiet --disable-pip-version-check -r requirements-colcon.txt
  cp requirements-colcon.txt "$work/tools/requirements"
fi

rm -rf "$work/workspace"
mkdir "$work/workspace"
git ls-files -z src launch config urdf | xargs -0 cp --parents -t "$work/workspace"

# shellcheck source=/dev/null
. .venv/env.sh
cd "$work/workspace"
"$work/tools/bin/colcon" --log-level error build --executor sequential \
  --cmake-args "-DPython3_EXECUTABLE=$root/.venv/bin/python" -DBUILD_TESTING=OFF

for package in aisle aisle_bringup aisle_msgs aisle_nodes; do
  test -e "install/$package/share/ament_index/resource_index/packages/$package"
done
test -x install/aisle_nodes/lib/aisle_nodes/fusion_node
test -x install/aisle/bin/aisle
test -f install/aisle_bringup/share/aisle_bringup/launch/store.launch.py
test ! -e install/tf2_msgs
set +u
# shellcheck source=/dev/null
. install/local_setup.bash
set -u
"$root/.venv/bin/python" - "$PWD" <<'PYTHON'
import sys

import aisle_msgs.msg
from ament_index_python.packages import get_package_share_directory

for found in (aisle_msgs.msg.__file__, get_package_share_directory("aisle_bringup")):
    assert found.startswith(sys.argv[1]), found
PYTHON
echo "colcon builds the workspace"
