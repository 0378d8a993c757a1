<?php
# Written by aegirc at each Verify: what Aegir knows is written anew, all else stays as it is.
$options['sites'] = array (
  0 => 'a.example.com',
  1 => 'b.example.com',
);
$options['profiles'] = array (
  0 => 'standard',
);

$options['mine'] = 1;
