<?php
# Written by aegirc at each Verify: what Aegir knows is written anew, all else stays as it is.
$options['db_type'] = 'mysql';
$options['db_port'] = '3306';
$options['db_host'] = 'localhost';
$options['db_user'] = 'shop';
$options['db_passwd'] = 'pass\'wo\\rd$x';
$options['db_name'] = 'shopexamplecom';
$options['client_name'] = 'acme';
$options['aliases'] = array (
  0 => '*.shop.example.com',
  1 => 'www.shop.example.com',
);
$options['redirection'] = 'shop.example.com';
$options['language'] = 'en';
$options['profile'] = 'standard';
$options['installed'] = true;
$options['packages'] = array (
  'libraries' => 
  array (
    'jquery.form' => 
    array (
      'filename' => '/var/aegir/platforms/d10/web/libraries/jquery.form',
      'name' => 'jquery.form',
      'type' => 'library',
      'version' => '10.6.15',
      'info' => 
      array (
        'name' => 'jquery.form\'s title',
        'version' => '10.6.15',
      ),
      'status' => 1,
    ),
  ),
  'modules' => 
  array (
    'node' => 
    array (
      'filename' => '/var/aegir/platforms/d10/web/core/modules/node/node.info.yml',
      'name' => 'node',
      'type' => 'module',
      'version' => '10.6.15',
      'info' => 
      array (
        'name' => 'node\'s title',
        'version' => '10.6.15',
      ),
      'status' => 1,
      'schema_version' => 8000,
    ),
    'own' => 
    array (
      'filename' => '/var/aegir/platforms/d10/web/sites/shop.example.com/modules/own/own.info.yml',
      'name' => 'own',
      'type' => 'module',
      'version' => '10.6.15',
      'info' => 
      array (
        'name' => 'own\'s title',
        'version' => '10.6.15',
      ),
      'status' => 0,
      'schema_version' => -1,
      'platform' => -1,
    ),
    'gone' => 
    array (
      'filename' => '',
      'name' => 'gone',
      'type' => 'module',
      'version' => '',
      'info' => 
      array (
        'name' => '',
        'version' => '',
      ),
      'status' => 1,
      'schema_version' => 8001,
    ),
  ),
  'platforms' => 
  array (
    'drupal' => 
    array (
      'short_name' => 'drupal',
      'version' => '10.6.15',
      'description' => '',
    ),
  ),
  'profiles' => 
  array (
    'standard' => 
    array (
      'filename' => '/var/aegir/platforms/d10/web/core/profiles/standard/standard.info.yml',
      'name' => 'standard',
      'type' => 'profile',
      'version' => '10.6.15',
      'info' => 
      array (
        'name' => 'standard\'s title',
        'version' => '10.6.15',
      ),
      'status' => 1,
      'schema_version' => 8000,
    ),
  ),
  'themes' => 
  array (
    'stark' => 
    array (
      'filename' => '/var/aegir/platforms/d10/web/core/themes/stark/stark.info.yml',
      'name' => 'stark',
      'type' => 'theme',
      'version' => '10.6.15',
      'info' => 
      array (
        'name' => 'stark\'s title',
        'version' => '10.6.15',
      ),
      'status' => 1,
    ),
  ),
);

# What settings.php asks for.
$_SERVER['db_type'] = $options['db_type'];
$_SERVER['db_port'] = $options['db_port'];
$_SERVER['db_host'] = $options['db_host'];
$_SERVER['db_user'] = $options['db_user'];
$_SERVER['db_passwd'] = $options['db_passwd'];
$_SERVER['db_name'] = $options['db_name'];

# What is not Aegir's and should come last.
@include_once('/var/aegir/platforms/d10/web/sites/shop.example.com/local.drushrc.php');
