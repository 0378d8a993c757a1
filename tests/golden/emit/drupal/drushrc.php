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

# What settings.php asks for.
$_SERVER['db_type'] = $options['db_type'];
$_SERVER['db_port'] = $options['db_port'];
$_SERVER['db_host'] = $options['db_host'];
$_SERVER['db_user'] = $options['db_user'];
$_SERVER['db_passwd'] = $options['db_passwd'];
$_SERVER['db_name'] = $options['db_name'];

# What is not Aegir's and should come last.
@include_once('/var/aegir/platforms/d10/web/sites/shop.example.com/local.drushrc.php');
