<?php
# Written by aegirc at each Verify: what Aegir knows is written anew, all else stays as it is.
$options['profiles'] = array (
  0 => 'standard',
);

$options['mine'] = 1;

# Only aegir can read the names of the sites.
@include_once(__DIR__ . '/sites.drushrc.php');
