<?php
# Written by aegirc from the registry. Changes are lost.
$_SERVER['db_type'] = 'mysql';
$_SERVER['db_port'] = '3306';
$_SERVER['db_host'] = 'localhost';
$_SERVER['db_user'] = 'shop';
$_SERVER['db_passwd'] = 'pass\'wo\\rd$x';
$_SERVER['db_name'] = 'shopexamplecom';
