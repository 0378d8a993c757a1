<?php
# Written by aegirc from the registry. Changes are lost.
$aliases['platform_d10'] = array (
  'context_type' => 'platform',
  'server' => '@server_local',
  'web_server' => '@server_local',
  'root' => '/var/aegir/platforms/d10/web',
  'make_working_copy' => false,
);
