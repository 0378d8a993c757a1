<?php
// Tries to get at what is not its own, as the uid that runs it, and says how each try ended. The tour runs it as each
// site's uid and as root; it reads the names of its targets from its arguments: KIND:PATH, where KIND is "read" (a
// file's first byte, or a directory's list) or "connect" (a unix socket). Output: one line a target, OPEN or refused.

foreach (array_slice($argv, 1) as $target) {
  [$kind, $path] = explode(':', $target, 2);
  error_clear_last();
  if ($kind === 'connect') {
    $open = (bool) @stream_socket_client("unix://$path", $code, $reason, 2);
  }
  elseif (@is_dir($path)) {
    $open = @opendir($path) !== false;
  }
  else {
    // /proc/<pid>/mem has nothing at address 0: there, to be let in is enough.
    $file = @fopen($path, 'rb');
    $open = $file !== false;
  }
  echo $open ? 'OPEN' : 'refused', "\t$path\n";
}
