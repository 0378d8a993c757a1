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
  ),
  'modules' => 
  array (
    'views' => 
    array (
      'filename' => '/var/aegir/platforms/d10/web/sites/all/modules/views/views.module',
      'name' => 'views',
      'type' => 'module',
      'version' => '10.6.15',
      'info' => 
      array (
        'name' => 'views\'s title',
        'version' => '10.6.15',
      ),
      'status' => 1,
      'schema_version' => 7301,
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
    'shop' => 
    array (
      'filename' => '/var/aegir/platforms/d10/web/profiles/shop/shop.profile',
      'name' => 'shop',
      'type' => 'profile',
      'version' => '10.6.15',
      'info' => 
      array (
        'name' => 'shop\'s title',
        'version' => '10.6.15',
      ),
      'status' => 1,
      'schema_version' => 0,
    ),
  ),
  'themes' => 
  array (
    'bartik' => 
    array (
      'filename' => '/var/aegir/platforms/d10/web/themes/bartik/bartik.info',
      'name' => 'bartik',
      'type' => 'theme',
      'version' => '10.6.15',
      'info' => 
      array (
        'name' => 'bartik\'s title',
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
