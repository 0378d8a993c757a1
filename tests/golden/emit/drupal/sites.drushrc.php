<?php
# Written by aegirc from the registry. Changes are lost.
$options['sites'] = array (
  0 => 'a.example.com',
  1 => 'b.example.com',
);
