<?php
# Written by aegirc from the registry. Changes are lost.
$aliases['shop.example.com'] = array (
  'context_type' => 'site',
  'platform' => '@platform_d10',
  'server' => '@server_local',
  'db_server' => '@server_local',
  'uri' => 'shop.example.com',
  'root' => '/var/aegir/platforms/d10/web',
  'site_path' => '/var/aegir/platforms/d10/web/sites/shop.example.com',
  'site_enabled' => true,
  'language' => 'en',
  'client_name' => 'acme',
  'aliases' => 
  array (
    0 => '*.shop.example.com',
    1 => 'www.shop.example.com',
  ),
  'redirection' => 'shop.example.com',
  'cron_key' => 'cron\'key',
  'profile' => 'standard',
);
