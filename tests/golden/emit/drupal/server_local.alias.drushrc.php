<?php
# Written by aegirc from the registry. Changes are lost.
$aliases['server_local'] = array (
  'context_type' => 'server',
  'remote_host' => 'localhost',
  'aegir_root' => '/var/aegir',
  'script_user' => 'aegir',
  'backup_path' => '/var/aegir/backups',
  'config_path' => '/var/aegir/config/server_local',
  'include_path' => '/var/aegir/config/includes',
  'clients_path' => '/var/aegir/clients',
  'http_service_type' => 'apache',
  'http_port' => 80,
  'web_group' => 'www-data',
  'db_service_type' => 'mysql',
  'db_port' => 3306,
);
