#!/bin/sh
set -e
cd /code
if [ "$1" = serve ]; then
  exec python /code/server.py "$@"
fi
exec "$@"
