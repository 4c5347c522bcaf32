# guard.sh LOCK FOLDER SERVER...: starts the server, waits until nobody holds the lock any more, stops
# the server and removes the folder.
lock=$1 folder=$2
shift 2
cd /
exec 9<"$lock"
"$@" 9<&- >>"$folder/log" 2>&1 </dev/null &
while :; do
  flock -x 9
  flock -u 9
  # The next test of the run may be about to begin.
  sleep 2
  if flock -xn 9; then break; fi
done
server=$(head -n 1 "$folder/data/postmaster.pid" 2>/dev/null)
if [ -n "$server" ] && kill -QUIT "$server" 2>/dev/null; then
  while kill -0 "$server" 2>/dev/null; do sleep 0.1; done
fi
rm -rf "$folder"
