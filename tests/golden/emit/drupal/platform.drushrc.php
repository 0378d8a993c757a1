<?php
# Written by aegirc at each Verify: what Aegir knows is written anew, all else stays as it is.
$options['profiles'] = array (
  0 => 'shop',
  1 => 'standard',
);
$options['packages'] = array (
  'base' => 
  array (
    'libraries' => 
    array (
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
        'basename' => 'node',
        'schema_version' => 8000,
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
        'filename' => '/var/aegir/platforms/d10/web/profiles/shop/shop.info.yml',
        'name' => 'shop',
        'type' => 'profile',
        'version' => '10.6.15',
        'info' => 
        array (
          'name' => 'shop\'s title',
          'version' => '10.6.15',
        ),
        'basename' => 'shop',
        'schema_version' => 8000,
      ),
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
        'basename' => 'standard',
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
        'basename' => 'stark',
      ),
    ),
  ),
  'sites-all' => 
  array (
    'libraries' => 
    array (
      'dropzone' => 
      array (
        'filename' => '/var/aegir/platforms/d10/web/libraries/dropzone',
        'name' => 'dropzone',
        'type' => 'library',
        'version' => '10.6.15',
        'info' => 
        array (
          'name' => 'dropzone\'s title',
          'version' => '10.6.15',
        ),
      ),
    ),
    'modules' => 
    array (
      'token' => 
      array (
        'filename' => '/var/aegir/platforms/d10/web/modules/contrib/token/token.info.yml',
        'name' => 'token',
        'type' => 'module',
        'version' => '10.6.15',
        'info' => 
        array (
          'name' => 'token\'s title',
          'version' => '10.6.15',
        ),
        'basename' => 'token',
        'schema_version' => 8000,
      ),
    ),
    'themes' => 
    array (
    ),
  ),
  'profiles' => 
  array (
    'shop' => 
    array (
      'modules' => 
      array (
        'cart' => 
        array (
          'filename' => '/var/aegir/platforms/d10/web/profiles/shop/modules/cart/cart.info.yml',
          'name' => 'cart',
          'type' => 'module',
          'version' => '10.6.15',
          'info' => 
          array (
            'name' => 'cart\'s title',
            'version' => '10.6.15',
          ),
          'basename' => 'cart',
          'schema_version' => 8000,
        ),
      ),
    ),
  ),
);

$options['mine'] = 1;

# Only aegir can read the names of the sites.
@include_once(__DIR__ . '/sites.drushrc.php');
